"""Voice parts with lyrics out of a parsed music21 score.

Repeats and endings are not expanded: a score gives its notes once, as written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from music21 import (
    base,
    chord,
    converter,
    harmony,
    key,
    metadata,
    meter,
    note,
    stream,
    tempo,
)

from ugaar.score.lyrics import Fragment, fragment
from ugaar.score.notes import Note, apply_melisma
from ugaar.score.tempo import TempoMap
from ugaar.sources.language import UNDETERMINED, language_of
from ugaar.sources.songs import Grid, Origin, song_row
from ugaar.tables import TICKS_PER_QUARTER

MOST_COMPLETE = "most-complete"


@dataclass(frozen=True)
class Written:
    """A note as written, ties not yet merged; times in ticks, lyrics by verse number."""

    onset: int
    end: int
    pitch: int
    continues_tie: bool
    lyrics: dict[int, tuple[Fragment, ...]]


def parse(path: Path) -> stream.Score:
    """Parse a file with music21, neither reading nor writing its pickle cache."""
    reader = converter.Converter()
    reader.parseFile(path, forceSource=True, storePickle=False)
    return cast(stream.Score, reader.stream)


def ticks(quarters: float | Fraction) -> int:
    """Return quarter notes as ticks, rounded where a tuplet has no exact number of ticks."""
    return round(Fraction(quarters) * TICKS_PER_QUARTER)


def songs_of(
    score: stream.Score,
    path: str,
    encoding: str,
    settings: Mapping[str, Any],
    transposing: bool,
) -> list[dict[str, Any]]:
    """Return a row of the songs table for each voice of the score that has lyrics.

    Args:
        score: a parsed score.
        path: the file's path inside the corpus; its first folder is the collection.
        encoding: text encoding of the file.
        settings: the `source` section of the configuration.
        transposing: whether the file itself says that a part sounds elsewhere than written.
            Without it music21's transpositions are guesses from MIDI programs (it takes a voice
            for a tenor saxophone) and are not applied.

    Returns:
        The rows; their language is that of the text of all voices together.
    """
    marks = tempo_marks(score)
    times = TempoMap(marks, settings["default_tempo_qpm"])
    metadata = score.metadata
    rows = []
    for number, part in enumerate(score.parts, start=1):
        if not any(element.lyrics for element in _sounding(part)):
            continue
        if transposing:
            part = _at_sounding_pitch(part)
        grid = grid_of(part)
        for voice, written in voices_of(part).items():
            notes, verse = sung_notes(merge_ties(written), settings, times)
            if not notes:
                continue
            name = " ".join(f"{number} {part.partName or ''} {voice}".split())
            origin = Origin(
                source="music21",
                collection=path.split("/")[0],
                path=path,
                part=name,
                title=_text(metadata, "title", "movementName"),
                composer=_text(metadata, "composer"),
                language=UNDETERMINED,
                verse=str(verse),
                encoding=encoding,
                timing="notated",
                tempo_source="score" if marks else "default",
            )
            rows.append(song_row(origin, notes, grid))
    language = language_of(word for row in rows for word in row["word"])
    return [{**row, "language": language} for row in rows]


def _text(described: metadata.Metadata | None, *names: str) -> str:
    found = (getattr(described, name, None) for name in names) if described else ()
    return next((" ".join(str(value).split()) for value in found if value), "")


def _sounding(part: stream.Stream) -> Iterator[note.Note | chord.Chord]:
    for element in part.recurse().notes:
        if isinstance(element, note.Note | chord.Chord) and not isinstance(
            element, harmony.ChordSymbol
        ):
            yield element


def _at_sounding_pitch(part: stream.Part) -> stream.Part:
    instruments = part.recurse().getElementsByClass("Instrument")
    if any(instrument.transposition is not None for instrument in instruments):
        return part.toSoundingPitch()
    return part


def tempo_marks(score: stream.Score) -> list[tuple[int, float]]:
    """Return (tick, quarter notes a minute) of the score's metronome marks that give a number.

    Words alone (`Allegro`) do not count: a number read into them would be music21's guess.
    """
    found: dict[int, float] = {}
    for mark in score.recurse().getElementsByClass(tempo.MetronomeMark):
        if mark.numberImplicit and mark.numberSounding is None:
            continue
        speed = mark.getQuarterBPM()
        if speed and speed > 0:
            found.setdefault(ticks(mark.getOffsetInHierarchy(score)), float(speed))
    return sorted(found.items())


def voices_of(part: stream.Part) -> dict[str, list[Written]]:
    """Return the notes of each voice of a part, in order of onset.

    A bar written without voices belongs to all of them, so that a part that divides now and then
    keeps its line. The key is empty where the part has a single voice.
    """
    plain: list[Written] = []
    voiced: dict[str, list[Written]] = {}
    for element in _sounding(part):
        if element.duration.isGrace or element.quarterLength == 0:
            continue
        context = element.activeSite
        onset = ticks(element.getOffsetInHierarchy(part))
        written = _written(element, onset)
        if isinstance(context, stream.Voice):
            voiced.setdefault(str(context.id), []).append(written)
        else:
            plain.append(written)
    named = {voice: plain + own for voice, own in voiced.items()} if voiced else {"": plain}
    return {
        voice: sorted(notes, key=lambda item: (item.onset, -item.pitch))
        for voice, notes in sorted(named.items())
    }


def _written(element: note.Note | chord.Chord, onset: int) -> Written:
    members = element.notes if isinstance(element, chord.Chord) else [element]
    top = max(members, key=lambda item: item.pitch.ps)
    tied = top.tie is not None and top.tie.type in ("stop", "continue")
    return Written(
        onset=onset,
        end=onset + ticks(element.quarterLength),
        pitch=round(top.pitch.ps),
        continues_tie=tied,
        lyrics=_fragments(element.lyrics),
    )


def _fragments(lyrics: Iterable[note.Lyric] | None) -> dict[int, tuple[Fragment, ...]]:
    found: dict[int, tuple[Fragment, ...]] = {}
    for lyric in lyrics or ():
        pieces = (lyric.components if lyric.isComposite else None) or [lyric]
        made = (fragment(piece.text or "", piece.syllabic) for piece in pieces)
        text = tuple(piece for piece in made if piece is not None)
        if text:
            found.setdefault(lyric.number, text)
    return found


def merge_ties(written: Iterable[Written]) -> list[Written]:
    """Join tied notes of equal pitch that touch; keep the top one of notes that start together."""
    merged: list[Written] = []
    for item in written:
        last = merged[-1] if merged else None
        if last and item.continues_tie and item.pitch == last.pitch and item.onset == last.end:
            merged[-1] = Written(last.onset, item.end, last.pitch, last.continues_tie, last.lyrics)
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


def grid_of(part: stream.Part) -> Grid:
    """Return the bars, time signatures and key signatures of a part."""

    def offset(element: base.Music21Object) -> int:
        return ticks(element.getOffsetInHierarchy(part))

    meters = {
        offset(found): found.ratioString
        for found in part.recurse().getElementsByClass(meter.TimeSignature)
    }
    keys = {
        offset(found): found.sharps
        for found in part.recurse().getElementsByClass(key.KeySignature)
        if found.sharps is not None
    }
    return Grid(
        bar_tick=sorted({offset(bar) for bar in part.getElementsByClass(stream.Measure)}),
        meter_tick=sorted(meters),
        meter=[meters[tick] for tick in sorted(meters)],
        key_tick=sorted(keys),
        key_fifths=[keys[tick] for tick in sorted(keys)],
    )
