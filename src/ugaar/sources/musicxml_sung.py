"""Cuts a MusicXML tree down to what the songs in it need, before music21 reads it.

Building music21's objects is the cost of reading a score, and most of them would be of the piano.
Only parts with lyrics are kept whole, without what is drawn and not sung. A part that carries
tempo marks keeps those and its notes' lengths; any other part keeps its place alone, so that the
numbers of the parts stay. The songs are those of the whole score (`benchmarks/ingest_scores.py`
compares them), but for the length of rests that music21 would stretch.
"""

from __future__ import annotations

from copy import deepcopy
from xml.etree.ElementTree import Element, SubElement

# Left out: slurs, articulations and ornaments (notations), beams, stems, note heads and styles.
# The written length (type, dots, tuplet) is left out too where a duration gives the sounding one.
_OF_NOTE = frozenset(
    ("grace", "chord", "pitch", "unpitched", "rest", "duration", "tie", "voice", "staff", "lyric")
)
_OF_REST_OR_GRACE = frozenset((*_OF_NOTE, "type", "dot", "time-modification"))
_OF_LYRIC = frozenset(("syllabic", "text", "elision"))
_OF_TIME = frozenset(("note", "backup", "forward", "attributes"))
_OF_SCORE = frozenset(
    ("work", "movement-number", "movement-title", "identification", "part-list", "part")
)


def keep_sung(root: Element, lone_rests_fill_bars: bool) -> None:
    """Remove from a partwise score, in place, what has no effect on its songs.

    Args:
        root: the `score-partwise` element; another one is left as it is.
        lone_rests_fill_bars: whether a rest alone in its bar lasts as long as the time signature
            says, as music21 has it, or as long as its own duration. They differ where a bar is
            split at a repeat, or where the voice has another time signature than the piano.
    """
    if root.tag != "score-partwise":
        return
    root[:] = [child for child in root if child.tag in _OF_SCORE]
    for part in root.findall("part"):
        if next(part.iter("lyric"), None) is not None:
            _clean(part, keep_chords=True)
        elif _has_tempo(part):
            _clean(part, keep_chords=False)
        else:
            _empty(part)
            continue
        if not lone_rests_fill_bars:
            for measure in part:
                _keep_length_of_rests(measure)


def _has_tempo(element: Element) -> bool:
    if next(element.iter("metronome"), None) is not None:
        return True
    return any(sound.get("tempo") for sound in element.iter("sound"))


def _clean(part: Element, keep_chords: bool) -> None:
    for measure in part:
        kept = []
        for child in measure:
            if child.tag == "note":
                if not keep_chords and child.find("chord") is not None:
                    continue
                _clean_note(child)
            elif child.tag not in _OF_TIME and not _affects_songs(child):
                continue
            kept.append(child)
        measure[:] = kept
        measure.attrib.pop("width", None)


def _affects_songs(element: Element) -> bool:
    # Where an instrument transposes, music21 moves the notes under an octave line as well.
    if element.tag == "direction" and next(element.iter("octave-shift"), None) is not None:
        return True
    return element.tag in ("direction", "sound") and _has_tempo(element)


def _clean_note(note: Element) -> None:
    tags = {child.tag for child in note}
    names = _OF_NOTE if tags.isdisjoint(("rest", "grace")) else _OF_REST_OR_GRACE
    kept = [child for child in note if child.tag in names]
    # Some programs write an accidental and no alteration: then it tells the pitch.
    if "accidental" in tags and note.find("pitch/alter") is None:
        kept += note.findall("accidental")
    note[:] = kept
    note.attrib.clear()
    for lyric in note.iterfind("lyric"):
        lyric[:] = [child for child in lyric if child.tag in _OF_LYRIC]
        lyric.attrib = {key: lyric.attrib[key] for key in ("number",) if key in lyric.attrib}


def _keep_length_of_rests(measure: Element) -> None:
    """Give music21 no reason to stretch a rest: no mark, no written length, and never one alone."""
    notes = measure.findall("note")
    for note in notes:
        rest = note.find("rest")
        if rest is not None and note.find("duration") is not None:
            rest.attrib.pop("measure", None)
            note[:] = [child for child in note if child.tag in _OF_NOTE]
    if len(notes) == 1 and notes[0].find("rest") is not None:
        place = list(measure).index(notes[0])
        second = deepcopy(notes[0])
        for half in (notes[0], second):
            duration = half.find("duration")
            if duration is None or not duration.text:
                return
            duration.text = str(float(duration.text) / 2)
        measure.insert(place + 1, second)


def _empty(part: Element) -> None:
    """Leave a bar with one rest a staff: music21 makes a part of each staff that holds anything."""
    numbers = (staff.text or "" for staff in part.iter("staff"))
    staves = sorted({int(number) for number in numbers if number.isdigit()})
    measures = part.findall("measure")
    if not measures:
        return
    for measure in measures[1:]:
        part.remove(measure)
    bar = measures[0]
    bar[:] = []
    attributes = SubElement(bar, "attributes")
    SubElement(attributes, "divisions").text = "1"
    if len(staves) > 1:
        SubElement(attributes, "staves").text = str(max(staves))
    for staff in staves or [1]:
        rest = SubElement(bar, "note")
        SubElement(rest, "rest")
        SubElement(rest, "duration").text = "1"
        if len(staves) > 1:
            SubElement(rest, "staff").text = str(staff)
