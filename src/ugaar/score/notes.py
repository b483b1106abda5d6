"""The note that every source delivers, and what happens to notes without a syllable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ugaar.score.lyrics import Fragment


@dataclass(frozen=True)
class Note:
    """One note of a voice part, in notated and in sounding time.

    Attributes:
        pitch: MIDI pitch.
        onset_tick: notated start, 10080 ticks a quarter note.
        end_tick: notated end.
        onset_s: sounding start, seconds.
        end_s: sounding end, seconds.
        text: the fragments of text sung from this note on; empty where the syllable goes on.
    """

    pitch: int
    onset_tick: int
    end_tick: int
    onset_s: float
    end_s: float
    text: tuple[Fragment, ...] = ()


def apply_melisma(notes: Iterable[Note], rule: str, longest_rest_s: float) -> list[Note]:
    """Return notes that all carry a syllable.

    Notes before the first syllable are left out: nothing is sung on them. So are notes without a
    syllable after a rest longer than a breath: the singer has stopped, and a held note would
    hide the silence from the rule that drops windows with long ones.

    Args:
        notes: notes in order of onset, one at a time.
        rule: `extend`: the note that carries the syllable lasts to the end of a following note
            that has none; `keep`: that note becomes one of its own that repeats the syllable.
        longest_rest_s: longest rest inside a syllable, seconds.

    Returns:
        Notes in the same order. Repeats made by `keep` share the fragments of the first note.
    """
    if rule not in ("extend", "keep"):
        raise ValueError(f"melisma rule {rule!r}; known rules: extend, keep")
    sung: list[Note] = []
    for note in notes:
        if note.text:
            sung.append(note)
            continue
        if not sung or note.onset_s - sung[-1].end_s > longest_rest_s + 1e-6:
            continue
        if rule == "keep":
            sung.append(replace(note, text=sung[-1].text))
        elif note.end_tick > sung[-1].end_tick:
            sung[-1] = replace(sung[-1], end_tick=note.end_tick, end_s=note.end_s)
    return sung
