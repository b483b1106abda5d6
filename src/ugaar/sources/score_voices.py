"""The voices of a part as written: ties, verses, and which voice is a song of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ugaar.score.lyrics import Fragment
from ugaar.score.notes import Note, apply_melisma
from ugaar.score.tempo import TempoMap

MOST_COMPLETE = "most-complete"


@dataclass(frozen=True)
class Written:
    """A note as written, ties not yet merged; times in ticks, lyrics by verse number.

    `voice` is empty in a bar that is written without voices.
    """

    onset: int
    end: int
    pitch: int
    continues_tie: bool
    lyrics: dict[int, tuple[Fragment, ...]]
    voice: str = ""


def merge_ties(written: Iterable[Written]) -> list[Written]:
    """Join tied notes of equal pitch that touch; keep the top one of notes that start together."""
    merged: list[Written] = []
    for item in written:
        last = merged[-1] if merged else None
        if last and item.continues_tie and item.pitch == last.pitch and item.onset == last.end:
            merged[-1] = replace(last, end=item.end)
        elif last is None or item.onset > last.onset:
            merged.append(item)
    return merged


def choose_verse(notes: Iterable[Written], wanted: str) -> int | None:
    """Return the verse number to read: the one with most syllables, the lowest of equals.

    Args:
        notes: notes of a voice.
        wanted: `most-complete`, or the number of a verse as text.

    Returns:
        The number, or None where the voice has no such verse.
    """
    counts = Counter(verse for item in notes for verse in item.lyrics)
    if wanted != MOST_COMPLETE:
        return int(wanted) if counts[int(wanted)] else None
    return min(counts, key=lambda verse: (-counts[verse], verse), default=None)


def sung_notes(
    written: list[Written], settings: Mapping[str, Any], times: TempoMap
) -> tuple[list[Note], int | None]:
    """Return the notes of a voice that carry a syllable of the chosen verse, and the verse."""
    verse = choose_verse(written, settings["verse"])
    if verse is None:
        return [], None
    notes = (
        Note(
            pitch=item.pitch,
            onset_tick=item.onset,
            end_tick=item.end,
            onset_s=times.seconds(item.onset),
            end_s=times.seconds(item.end),
            text=item.lyrics.get(verse, ()),
        )
        for item in written
    )
    return apply_melisma(notes, settings["melisma"], settings["melisma_rest_s"]), verse


def lines_of_their_own(
    voices: Mapping[str, list[Written]], wanted: str
) -> dict[str, list[Written]]:
    """Return the voices of a part that are songs: the fullest, and others with their own text.

    Scores write small notes of another verse, a choice of notes or a short division as a second
    voice of a few bars. With the bars of the whole part added, each would be the song once more.
    So a voice beside the fullest one counts where most of its syllables stand in bars of its own.

    Args:
        voices: notes of each voice, ties merged.
        wanted: the verse, as for `choose_verse`.
    """
    syllables = {voice: 0 for voice in voices}
    own = dict(syllables)
    for voice, written in voices.items():
        verse = choose_verse(written, wanted)
        sung = [item for item in written if verse in item.lyrics]
        syllables[voice] = len(sung)
        own[voice] = sum(bool(item.voice) for item in sung)
    fullest = max(syllables, key=lambda voice: (syllables[voice], own[voice]), default="")
    return {
        voice: written
        for voice, written in voices.items()
        if voice == fullest or own[voice] * 2 > syllables[voice]
    }
