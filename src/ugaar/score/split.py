"""Folds: whole duplicate groups, drawn by collection, or single windows as the paper implies."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ugaar.errors import DataError
from ugaar.tables import MODALITIES

SONG_DISJOINT, PUBLISHED = PROTOCOLS = ("song-disjoint", "published")
FOLDS = ("train", "valid", "test")
DRAWN = ("test", "valid")
DUPLICATE = "duplicate"
"""Fold of a window whose sound, picture and text another window has already."""


def draw_order(names: Iterable[str], seed: int) -> list[str]:
    """Return names in a random order that depends on the seed and the names only."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest())


def quotas(sizes: Mapping[str, int], wanted: int) -> dict[str, int]:
    """Share out `wanted` windows over collections in proportion to their sizes.

    Largest remainders get what rounding leaves, so the quotas add up to `wanted` (or to all there
    are, if that is less).
    """
    total = sum(sizes.values())
    wanted = min(wanted, total)
    exact = {name: wanted * size / total for name, size in sizes.items()} if total else {}
    shared = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (shared[name] - exact[name], name))
    for name in by_remainder[: wanted - sum(shared.values())]:
        shared[name] += 1
    return shared


def song_disjoint_folds(
    group_of_window: Mapping[str, str],
    collection_of_window: Mapping[str, str],
    settings: Mapping[str, Any],
    seed: int,
) -> dict[str, str]:
    """Draw folds by duplicate group.

    Groups above `max_group_share` of all windows go to training: they would fill a fold with one
    text. The shares of the test and validation folds are of all windows, taken from the other
    groups and spread over the collections in proportion to what these groups hold. A group counts
    for the collection of most of its windows. Groups come in random order; one that would go past
    what its collection still owes is left for training, so that many small groups make up a fold.

    Args:
        group_of_window: window_id -> duplicate group.
        collection_of_window: window_id -> collection.
        settings: the `split` section of the configuration.
        seed: seed of the draw.

    Returns:
        Group -> fold.
    """
    total = len(group_of_window)
    sizes = Counter(group_of_window.values())
    collections = _collections_of_groups(group_of_window, collection_of_window)
    small = [group for group in sizes if sizes[group] <= settings["max_group_share"] * total]
    order = draw_order(small, seed)
    folds = dict.fromkeys(sizes, "train")
    available: Counter[str] = Counter()
    for group in small:
        available[collections[group]] += sizes[group]
    for fold in DRAWN:
        wanted = round(settings[f"{fold}_share"] * total)
        owed = Counter(quotas(available, wanted))
        for group in order:
            if folds[group] == "train" and sizes[group] <= owed[collections[group]]:
                folds[group] = fold
                owed[collections[group]] -= sizes[group]
        # Collections whose groups are larger than their quota leave a rest: take it anywhere.
        rest = owed.total()
        for group in order:
            if folds[group] == "train" and sizes[group] <= rest:
                folds[group] = fold
                rest -= sizes[group]
        available = Counter()
        for group in small:
            if folds[group] == "train":
                available[collections[group]] += sizes[group]
    return folds


def _collections_of_groups(
    group_of_window: Mapping[str, str], collection_of_window: Mapping[str, str]
) -> dict[str, str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for window, group in group_of_window.items():
        counts[group][collection_of_window[window]] += 1
    return {
        group: min(found, key=lambda name: (-found[name], name)) for group, found in counts.items()
    }


def published_folds(
    windows: Iterable[str], settings: Mapping[str, Any], seed: int
) -> dict[str, str]:
    """Draw folds by window, duplicates kept on both sides (as the paper's text implies)."""
    order = draw_order(windows, seed)
    n_test = round(settings["test_share"] * len(order))
    n_valid = round(settings["valid_share"] * len(order))
    return {
        window: "test" if place < n_test else "valid" if place < n_test + n_valid else "train"
        for place, window in enumerate(order)
    }


def repeats(windows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the windows that sound, look and read like an earlier one, by order of their ids."""
    seen = set()
    found = set()
    for window in sorted(windows, key=lambda row: row["window_id"]):
        content = tuple(window[f"{modality}_key"] for modality in MODALITIES)
        if content in seen:
            found.add(window["window_id"])
        seen.add(content)
    return found


def split_rows(
    windows: Iterable[Mapping[str, Any]],
    group_of_song: Mapping[str, str],
    protocol: str,
    settings: Mapping[str, Any],
    seed: int,
) -> list[dict[str, Any]]:
    """Return the rows of the split table, in the order of the windows.

    Args:
        windows: rows of the windows table (window_id, song_id, collection, content keys).
        group_of_song: song_id -> duplicate group.
        protocol: song-disjoint or published.
        settings: the `split` section of the configuration.
        seed: seed of the draw.

    Raises:
        DataError: too few test windows, or an empty training or validation fold.
    """
    windows = list(windows)
    groups = {window["window_id"]: group_of_song[window["song_id"]] for window in windows}
    sizes = Counter(groups.values())
    duplicates: set[str] = set()
    if protocol == PUBLISHED:
        fold_of = published_folds(groups, settings, seed)
    elif protocol == SONG_DISJOINT:
        collections = {window["window_id"]: window["collection"] for window in windows}
        if settings["distinct"]:
            duplicates = repeats(windows)
        drawn = {window: group for window, group in groups.items() if window not in duplicates}
        by_group = song_disjoint_folds(drawn, collections, settings, seed)
        fold_of = {window: by_group[group] for window, group in drawn.items()}
    else:
        raise DataError(f"protocol {protocol!r}; known: {SONG_DISJOINT}, {PUBLISHED}")
    _check(Counter(fold_of.values()), settings)
    fold_of |= dict.fromkeys(duplicates, DUPLICATE)
    return [
        {
            "window_id": window["window_id"],
            "song_id": window["song_id"],
            "collection": window["collection"],
            "group": groups[window["window_id"]],
            "group_size": sizes[groups[window["window_id"]]],
            "fold": fold_of[window["window_id"]],
            "protocol": protocol,
        }
        for window in windows
    ]


def _check(found: Counter[str], settings: Mapping[str, Any]) -> None:
    counts = ", ".join(f"{fold} {found[fold]}" for fold in FOLDS)
    if found["test"] < settings["min_test_windows"]:
        raise DataError(
            f"split: the test fold holds {found['test']} windows, fewer than "
            f"split.min_test_windows {settings['min_test_windows']} ({counts}); lower that key, "
            "raise split.test_share, or add songs"
        )
    empty = [fold for fold in FOLDS if not found[fold]]
    if empty:
        raise DataError(
            f"split: no window in fold {empty[0]} ({counts}); add songs, change split.valid_share "
            "and split.test_share, or raise split.max_group_share"
        )
