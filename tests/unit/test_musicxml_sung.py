"""Guards the cut before music21 reads a score: less to read, and the same songs."""

from xml.etree import ElementTree

import pytest
from musicxml_files import backup, bars, elision, lyric, note, score, tempo

from ugaar.sources.music21_scores import ScoreFile, parse, songs_of
from ugaar.sources.musicxml_sung import keep_sung

SETTINGS = {
    "default_tempo_qpm": 100.0,
    "verse": "most-complete",
    "melisma": "extend",
    "melisma_rest_s": 4.0,
}
FILE = ScoreFile("musicxml", "c", "c/a.xml", "utf-8", transposing=True)


def staff(number, content):
    return content.replace("</voice>", f"</voice><staff>{number}</staff>")


def line(*pitches):
    return "".join(note(pitch, 1, lyric(f"s{place}")) for place, pitch in enumerate(pitches))


def piano(right, left, beats=4, extra=""):
    """A part of two staves; every note drawn with what music21 would build objects for."""
    drawn = (
        "<beam number='1'>begin</beam><notations><slur type='start'/><articulations>"
        "<staccato/></articulations></notations></note>"
    )
    text = extra + staff(1, right) + backup(beats) + staff(2, left).replace("<voice>1", "<voice>5")
    return bars(text.replace("</note>", drawn)).replace(
        "</divisions>", "</divisions><staves>2</staves>"
    )


TUPLET = (
    "<note><pitch><step>C</step><octave>4</octave></pitch><duration>{length}</duration>"
    "<voice>1</voice><type>eighth</type><time-modification><actual-notes>7</actual-notes>"
    "<normal-notes>4</normal-notes></time-modification>" + lyric("la") + "</note>"
)
SHARP = (
    "<note><pitch><step>F</step>{alter}<octave>4</octave></pitch><duration>12</duration>"
    "<accidental>sharp</accidental><voice>1</voice>" + lyric("fis") + "</note>"
)
WHOLE_REST = (
    "<note><rest{measure}/><duration>{length}</duration><voice>1</voice><type>whole</type></note>"
)
OCTAVE = (
    "<direction><direction-type><octave-shift type='{kind}' size='8'/></direction-type></direction>"
)
METRONOME = (
    "<direction><direction-type><words>Langsam</words></direction-type><direction-type><metronome>"
    "<beat-unit>eighth</beat-unit><per-minute>60</per-minute></metronome></direction-type>"
    "</direction>"
)
TRANSPOSE = (
    "<transpose><diatonic>0</diatonic><chromatic>0</chromatic>"
    "<octave-change>-1</octave-change></transpose>"
)
CHANGES = (
    "<attributes><key><fifths>3</fifths></key><time><beats>3</beats><beat-type>4</beat-type></time>"
    "<clef><sign>F</sign><line>4</line></clef></attributes>"
)
ACCOMPANIMENT = note(60, 2) + note(64, 2, chord=True) + note(67, 2)

SCORES = {
    "piano below": score(
        ("Voice", bars(line(60, 62, 64, 65))), ("Piano", piano(ACCOMPANIMENT, note(48 + 12, 4)))
    ),
    "piano above": score(
        ("Piano", piano(ACCOMPANIMENT, note(60, 4))), ("Voice", bars(line(60, 62, 64, 65)))
    ),
    "tempo in the piano": score(
        ("Voice", bars(line(60, 62, 64, 65), line(60, 62, 64, 65))),
        ("Piano", piano(ACCOMPANIMENT + tempo(40) + note(72, 0, grace=True), note(60, 4))),
        ("Horn", bars(note(60, 1) + METRONOME + note(60, 3), note(None, 4))),
    ),
    "septuplets": score(
        ("Voice", bars("".join(TUPLET.format(length=length) for length in (7, 7, 7, 7, 7, 7, 6))))
    ),
    "accidentals": score(
        ("Voice", bars(SHARP.format(alter="") + SHARP.format(alter="<alter>1</alter>")))
    ),
    "rests": score(
        (
            "Voice",
            bars(
                WHOLE_REST.format(measure="", length=48),
                WHOLE_REST.format(measure="", length=24),
                WHOLE_REST.format(measure=" measure='yes'", length=24),
                line(60, 62, 64),
                beats=3,
            ),
        )
    ),
    "octave line": score(
        (
            "Voice",
            bars(
                OCTAVE.format(kind="down") + line(60, 62) + OCTAVE.format(kind="stop"),
                transpose=TRANSPOSE,
            ),
        )
    ),
    "changes": score(
        ("Voice", bars(line(60), line(60, 62, 64, 65), CHANGES + line(60, 62, 64), line(60, 62)))
    ),
    "grace, tie, chord, elision, voices": score(
        (
            "Voice",
            bars(
                note(62, 1, grace=True)
                + note(60, 1, lyric("a", "begin"), tie="start")
                + note(60, 1, tie="stop")
                + note(64, 1, elision("ria", "in"))
                + note(67, 1, lyric("x"), chord=True)
                + note(65, 1),
                line(60, 62) + backup(2) + note(67, 2, lyric("zwei", number=2), voice=2),
            ),
        )
    ),
    "repeat and harmony": score(
        (
            "Voice",
            bars(
                "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>"
                + line(60, 62, 64, 65)
                + "<barline location='right'><repeat direction='backward'/></barline>",
                line(60, 62, 64, 65),
            ),
        )
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_the_songs_stay_the_same(name):
    whole, cut = (ElementTree.fromstring(SCORES[name]) for _ in range(2))
    keep_sung(cut, lone_rests_fill_bars=True)
    expected = songs_of(parse(whole), FILE, SETTINGS)
    assert expected
    assert songs_of(parse(cut), FILE, SETTINGS) == expected


def test_what_is_not_sung_is_gone():
    root = ElementTree.fromstring(SCORES["tempo in the piano"])
    before = len(list(root.iter()))
    keep_sung(root, lone_rests_fill_bars=True)
    voice, piano_part, horn = root.findall("part")
    assert len(list(voice.iter("note"))) == 8
    assert not list(piano_part.iter("notations"))
    assert not list(piano_part.iter("chord"))
    assert [sound.get("tempo") for sound in piano_part.iter("sound")] == ["40"]
    assert horn.find(".//metronome/per-minute").text == "60"
    assert len(list(root.iter())) < before

    silent = ElementTree.fromstring(SCORES["piano above"])
    keep_sung(silent, lone_rests_fill_bars=True)
    assert len(list(silent.find("part").iter("note"))) == 2


def test_the_part_keeps_its_number_below_two_staves():
    root = ElementTree.fromstring(SCORES["piano above"])
    keep_sung(root, lone_rests_fill_bars=True)
    (row,) = songs_of(parse(root), FILE, SETTINGS)
    assert row["part"] == "3 Voice"


def test_a_part_without_bars_and_another_root_are_left_alone():
    empty = ElementTree.fromstring(score(("Piano", ""), ("Voice", bars(line(60, 62)))))
    keep_sung(empty, lone_rests_fill_bars=True)
    assert len(songs_of(parse(empty), FILE, SETTINGS)) == 1
    timewise = ElementTree.fromstring("<score-timewise><measure/></score-timewise>")
    keep_sung(timewise, lone_rests_fill_bars=True)
    assert timewise.find("measure") is not None
    with pytest.raises(ValueError, match="score-timewise"):
        parse(timewise)


@pytest.mark.parametrize("length", [24, 36, 48, 96, 162])
@pytest.mark.parametrize("measure", ["", " measure='yes'"])
def test_a_rest_alone_in_its_bar_lasts_as_long_as_it_says(length, measure):
    rest = WHOLE_REST.format(measure=measure, length=length)
    text = score(("Voice", bars(line(60, 62, 64), rest, line(60, 62, 64), beats=3)))
    root = ElementTree.fromstring(text)
    keep_sung(root, lone_rests_fill_bars=False)
    (row,) = songs_of(parse(root), FILE, SETTINGS)
    quarter = 10080
    bar = [0, quarter, 2 * quarter]
    after = 3 * quarter + quarter * length // 12
    assert row["onset_tick"] == bar + [tick + after for tick in bar]
    assert row["bar_tick"] == [0, 3 * quarter, after]
