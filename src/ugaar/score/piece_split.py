"""Folds of pieces: whole duplicate groups, their shares counted in onsets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ugaar.errors import DataError
from ugaar.score.groups import UnionFind, pairs_that_share
from ugaar.score.runs import Hashes, melody_hashes
from ugaar.score.split import FOLDS, song_disjoint_folds


def top_notes(piece: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    """Return the highest pitch at each onset of the upper staff, and the onsets in ticks."""
    top: dict[int, int] = {}
    for pitch, tick, staff in zip(piece["pitch"], piece["onset_tick"], piece["staff"], strict=True):
        if staff == 0:
            top[tick] = max(pitch, top.get(tick, pitch))
    ticks = sorted(top)
    return [top[tick] for tick in ticks], ticks


def piece_groups(pieces: Iterable[Mapping[str, Any]], shared_notes: int) -> dict[str, str]:
    """Return the duplicate group of each piece.

    Two pieces are in one group when they come from one file, or when a run of notes of one has
    the intervals and rhythm of a run of the other; and so on along chains. A piece with fewer
    notes than a run counts as a run of its own length.

    Args:
        pieces: rows of the pieces table (piece_id, source, path, pitch, onset_tick, staff).
        shared_notes: notes in a shared run.

    Returns:
        piece_id -> group, named by the smallest piece_id in it.
    """
    names: list[str] = []
    files: dict[tuple[str, str], list[str]] = {}
    runs: list[Hashes] = []
    for piece in pieces:
        pitches, ticks = top_notes(piece)
        names.append(piece["piece_id"])
        files.setdefault((piece["source"], piece["path"]), []).append(piece["piece_id"])
        length = max(min(shared_notes, len(pitches)), 2)
        runs.append(np.unique(melody_hashes(pitches, ticks, length)))
    groups = UnionFind(names)
    for members in files.values():
        for member in members[1:]:
            groups.join(members[0], member)
    for first, second in pairs_that_share(runs):
        groups.join(names[first], names[second])
    return {name: groups.find(name) for name in names}


def piece_split_rows(
    pieces: Sequence[Mapping[str, Any]],
    groups: Mapping[str, str],
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the rows of the piece_split table, in the order of the pieces.

    Args:
        pieces: rows of the pieces table (piece_id, collection, n_onsets).
        groups: piece_id -> duplicate group.
        settings: valid_share, test_share, max_group_share and seeds of the section `split`.

    Raises:
        DataError: a fold is empty.
    """
    # The draw counts windows; here each onset stands for one.
    onsets = [
        (f"{piece['piece_id']}-{onset}", piece)
        for piece in pieces
        for onset in range(piece["n_onsets"])
    ]
    fold_of = song_disjoint_folds(
        {onset: groups[piece["piece_id"]] for onset, piece in onsets},
        {onset: piece["collection"] for onset, piece in onsets},
        settings,
        settings["seeds"][0],
    )
    rows = [
        {
            "piece_id": piece["piece_id"],
            "collection": piece["collection"],
            "group": groups[piece["piece_id"]],
            "n_onsets": piece["n_onsets"],
            "fold": fold_of[groups[piece["piece_id"]]],
        }
        for piece in pieces
    ]
    found = Counter(row["fold"] for row in rows)
    empty = [fold for fold in FOLDS if not found[fold]]
    if empty:
        counts = ", ".join(f"{fold} {found[fold]}" for fold in FOLDS)
        largest = max(Counter(groups.values()).values(), default=0)
        raise DataError(
            f"split-pieces: no piece in fold {empty[0]} (pieces: {counts}; the largest duplicate "
            f"group has {largest}); add pieces, raise split.{empty[0]}_share or "
            "split.max_group_share, or raise pieces.shared_notes"
            if empty[0] != "train"
            else f"split-pieces: no piece in fold train (pieces: {counts}); add pieces, or lower "
            "split.valid_share and split.test_share"
        )
    return rows
