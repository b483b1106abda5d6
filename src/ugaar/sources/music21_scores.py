"""Voice parts with lyrics out of a parsed music21 score.

Repeats and endings are not expanded: a score gives its notes once, as written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from xml.etree.ElementTree import Element

from music21 import base, chord, harmony, key, metadata, meter, note, stream, tempo
from music21.musicxml.xmlToM21 import MusicXMLImporter

from ugaar.score.lyrics import Fragment, fragment
from ugaar.score.notes import Note
from ugaar.score.tempo import TempoMap
from ugaar.sources.language import UNDETERMINED, language_of
from ugaar.sources.score_voices import Written, lines_of_their_own, merge_ties, sung_notes
from ugaar.sources.songs import Grid, Origin, song_row
from ugaar.tables import TICKS_PER_QUARTER


@dataclass(frozen=True)
class ScoreFile:
    """What is known of a score beside its music.

    Attributes:
        source: kind of source.
        collection: stratum of the split.
        path: the file's path inside the source.
        encoding: text encoding of the file.
        transposing: whether the file itself says that a part sounds elsewhere than written.
            Without it music21's transpositions are guesses from MIDI programs (it takes a voice
            for a tenor saxophone) and are not applied.
        title: the title; empty = the work's, else the movement's, as music21 gives them.
        declared_language: ISO 639-1 code that stands for text in which no language is recognised.
        every_voice: whether a voice of a part is a song even where it shares most of its text
            with another voice.
    """

    source: str
    collection: str
    path: str
    encoding: str
    transposing: bool
    title: str = ""
    declared_language: str = UNDETERMINED
    every_voice: bool = True


def parse(root: Element) -> stream.Score:
    """Return music21's score of a partwise MusicXML tree.

    The importer is given the tree itself: going through music21's converter would write the
    reduced XML out and parse it again, and keep a pickle of it.
    """
    importer = MusicXMLImporter()
    if root.tag != "score-partwise":
        raise ValueError(f"root element {root.tag!r}; only score-partwise is read")
    importer.xmlRootToScore(root, importer.stream)
    return importer.stream


def ticks(quarters: float | Fraction) -> int:
    """Return quarter notes as ticks, rounded where a tuplet has no exact number of ticks."""
    return round(Fraction(quarters) * TICKS_PER_QUARTER)


def songs_of(
    score: stream.Score, file: ScoreFile, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return a row of the songs table for each voice of the score that has lyrics.

    Args:
        score: a parsed score.
        file: where it comes from.
        settings: the `source` section of the configuration.

    Returns:
        The rows; their language is that of the text of all voices together.
    """
    title = file.title or _text(score.metadata, "title", "movementName") or PurePath(file.path).name
    parts = list(score.parts)
    marks = tempo_marks(parts)
    times = TempoMap(marks, settings["default_tempo_qpm"])
    rows = []
    for number, part in enumerate(parts, start=1):
        if not any(element.lyrics for _, element, _ in sounding(part)):
            continue
        if file.transposing:
            part = _at_sounding_pitch(part)
        grid = grid_of(part)
        for voice, notes, verse in _sung_voices(part, file, settings, times):
            name = " ".join(f"{number} {part.partName or ''} {voice}".split())
            origin = Origin(
                source=file.source,
                collection=file.collection,
                path=file.path,
                part=name,
                title=title,
                composer=_text(score.metadata, "composer"),
                language=UNDETERMINED,
                verse=str(verse),
                encoding=file.encoding,
                timing="notated",
                tempo_source="score" if marks else "default",
            )
            rows.append(song_row(origin, notes, grid))
    language = language_of(word for row in rows for word in row["word"])
    if language == UNDETERMINED:
        language = file.declared_language
    return [{**row, "language": language} for row in rows]


def _sung_voices(
    part: stream.Part, file: ScoreFile, settings: Mapping[str, Any], times: TempoMap
) -> Iterator[tuple[str, list[Note], int]]:
    voices = {voice: merge_ties(written) for voice, written in voices_of(part).items()}
    if not file.every_voice:
        voices = lines_of_their_own(voices, settings["verse"])
    for voice, written in voices.items():
        notes, verse = sung_notes(written, settings, times)
        if notes and verse is not None:
            yield voice, notes, verse


def _text(described: metadata.Metadata | None, *names: str) -> str:
    found = (getattr(described, name, None) for name in names) if described else ()
    return next((" ".join(str(value).split()) for value in found if value), "")


def placed(part: stream.Part) -> Iterator[tuple[int, base.Music21Object, str]]:
    """Yield (tick in the part, element, voice) of the elements of a part's bars, and the bars.

    The voice is empty for elements that stand in the bar itself. MusicXML has no deeper levels,
    and this is several times faster than music21's search through all of them.
    """
    for bar in part.getElementsByClass(stream.Measure):
        start = part.elementOffset(bar)
        yield ticks(start), bar, ""
        for element in bar.elements:
            offset = start + bar.elementOffset(element)
            if isinstance(element, stream.Voice):
                for inner in element.elements:
                    tick = ticks(offset + element.elementOffset(inner))
                    yield tick, inner, str(element.id)
            else:
                yield ticks(offset), element, ""


def sounding(part: stream.Part) -> Iterator[tuple[int, note.Note | chord.Chord, str]]:
    """Yield (tick, element, voice) of a part's notes and chords, chord symbols left out."""
    for tick, element, voice in placed(part):
        if isinstance(element, note.Note | chord.Chord) and not isinstance(
            element, harmony.ChordSymbol
        ):
            yield tick, element, voice


def _at_sounding_pitch(part: stream.Part) -> stream.Part:
    instruments = part.recurse().getElementsByClass("Instrument")
    if any(instrument.transposition is not None for instrument in instruments):
        return part.toSoundingPitch()
    return part


def tempo_marks(parts: Iterable[stream.Part]) -> list[tuple[int, float]]:
    """Return (tick, quarter notes a minute) of the metronome marks that give a number.

    Words alone (`Allegro`) do not count: a number read into them would be music21's guess.
    """
    found: dict[int, float] = {}
    for part in parts:
        for tick, mark, _ in placed(part):
            if not isinstance(mark, tempo.MetronomeMark):
                continue
            if mark.numberImplicit and mark.numberSounding is None:
                continue
            speed = mark.getQuarterBPM()
            if speed and speed > 0:
                found.setdefault(tick, float(speed))
    return sorted(found.items())


def voices_of(part: stream.Part) -> dict[str, list[Written]]:
    """Return the notes of each voice of a part, in order of onset.

    A bar written without voices belongs to all of them, so that a part that divides now and then
    keeps its line. The key is empty where the part has a single voice.
    """
    plain: list[Written] = []
    voiced: dict[str, list[Written]] = {}
    for onset, element, voice in sounding(part):
        if element.duration.isGrace or element.quarterLength == 0:
            continue
        group = voiced.setdefault(voice, []) if voice else plain
        group.append(_written(element, onset, voice))
    named = {voice: plain + own for voice, own in voiced.items()} if voiced else {"": plain}
    return {
        voice: sorted(notes, key=lambda item: (item.onset, -item.pitch))
        for voice, notes in sorted(named.items())
    }


def _written(element: note.Note | chord.Chord, onset: int, voice: str) -> Written:
    members = element.notes if isinstance(element, chord.Chord) else [element]
    top = max(members, key=lambda item: item.pitch.ps)
    tied = top.tie is not None and top.tie.type in ("stop", "continue")
    return Written(
        onset=onset,
        end=onset + ticks(element.quarterLength),
        pitch=round(top.pitch.ps),
        continues_tie=tied,
        lyrics=_fragments(element.lyrics),
        voice=voice,
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


def grid_of(part: stream.Part) -> Grid:
    """Return the bars, time signatures and key signatures of a part."""
    bars: set[int] = set()
    meters: dict[int, str] = {}
    keys: dict[int, int] = {}
    for tick, element, _ in placed(part):
        if isinstance(element, stream.Measure):
            bars.add(tick)
        elif isinstance(element, meter.TimeSignature):
            meters[tick] = element.ratioString
        elif isinstance(element, key.KeySignature) and element.sharps is not None:
            keys[tick] = element.sharps
    return Grid(
        bar_tick=sorted(bars),
        meter_tick=sorted(meters),
        meter=[meters[tick] for tick in sorted(meters)],
        key_tick=sorted(keys),
        key_fifths=[keys[tick] for tick in sorted(keys)],
    )
