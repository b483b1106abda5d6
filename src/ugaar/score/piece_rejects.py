"""Rows for pieces that were dropped: their reason codes beside those of songs, with remedies.

They are not in `rejects.REMEDIES`, because every stage that drops songs depends on it: one more
entry there would run all of them again.
"""

from __future__ import annotations

from ugaar.score.rejects import REMEDIES

PIECE_REMEDIES = {
    **REMEDIES,
    "one-note": "nothing to do; a piece needs two onsets at least",
    "one-onset": "nothing to do; all notes start together, and a piece needs two onsets",
    "too-few-onsets": "lower pieces.min_onsets",
    "duplicate-piece": "nothing to do; an equal piece is kept",
    "unreadable-tune": "nothing to do; music21 cannot read the tune",
}


def reject_piece(
    stage: str, level: str, item: str, path: str, reason: str, detail: str
) -> dict[str, str]:
    """Return a row of the rejects table.

    Args:
        stage: the stage that drops the item.
        level: file or piece.
        item: the piece's id, or its path.
        path: the source file that it came from.
        reason: a key of `PIECE_REMEDIES`.
        detail: what was found.
    """
    return {
        "stage": stage,
        "level": level,
        "item": item,
        "path": path,
        "reason": reason,
        "detail": detail,
        "remedy": PIECE_REMEDIES[reason],
    }
