"""From files to kept windows, counted: what stayed at each step, and why the rest did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ugaar.score.split import DUPLICATE, FOLDS

KEPT = "kept"


def with_paths(
    rejects: Iterable[Mapping[str, str]], path_of_song: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return rejects whose path is the source file also where a stage knew only the song's id."""
    return [{**row, "path": path_of_song.get(row["path"], row["path"])} for row in rejects]


def funnel_rows(
    songs: Sequence[Mapping[str, str]],
    n_notes: int,
    windows: Sequence[Mapping[str, str]],
    rendered: Iterable[str],
    fold_of: Mapping[str, str],
    rejects: Iterable[Mapping[str, str]],
) -> list[dict[str, Any]]:
    """Count each step; what was kept and the losses of a step add up to what came into it.

    Notes after the last whole window of a song are no item of their own and not counted. The step
    `distinct` only counts: windows whose notes and syllables the source holds more than once go on.

    Args:
        songs: rows with `song_id` and `path`.
        n_notes: syllable-note pairs of all songs.
        windows: rows with `window_id`, `song_id` and `source_key`.
        rendered: windows that have both a clip and a strip.
        fold_of: window -> train, valid, test or duplicate.
        rejects: rows of the rejects table, of all stages.

    Returns:
        Rows of the funnel table: steps in order, kept before losses, losses by reason. A fold
        counts its rendered windows, which are those that features, training and ranks use.
    """
    rendered = set(rendered)
    distinct = len({window["source_key"] for window in windows})
    steps = ("files", "songs", "notes", "windows", "distinct", "rendered")
    lost: dict[str, Counter[str]] = {step: Counter() for step in steps}
    lost["distinct"] = Counter({"repeated": len(windows) - distinct})
    dropped = set()
    for row in rejects:
        if row["level"] in ("file", "song"):
            lost[row["level"] + "s"][row["reason"]] += 1
        elif not row["stage"].startswith("render"):
            lost["windows"][row["reason"]] += 1
        elif row["item"] not in dropped:
            # A window that neither sounds nor can be engraved is lost once.
            dropped.add(row["item"])
            lost["rendered"][row["reason"]] += 1
    kept = {
        "files": len({song["path"] for song in songs}),
        "songs": len(songs) - sum(lost["songs"].values()),
        "notes": n_notes,
        "windows": len(windows),
        "distinct": distinct,
        "rendered": len(rendered),
    }
    rows = []
    for step, count in kept.items():
        rows.append({"step": step, "reason": KEPT, "count": count})
        rows += [
            {"step": step, "reason": reason, "count": number}
            for reason, number in sorted(lost[step].items())
            if number
        ]
    folds = Counter(fold_of[window] for window in rendered)
    return rows + [
        {"step": fold, "reason": KEPT, "count": folds[fold]}
        for fold in (*FOLDS, DUPLICATE)
        if fold in folds or fold != DUPLICATE
    ]
