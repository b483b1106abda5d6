"""Ticks to written notes: bars, ties, dots, tuplets, spelling, clefs, LilyPond text."""

from fractions import Fraction

import pytest

from ugaar.render.durations import GRID, Symbol, Tuplet, write
from ugaar.render.engrave import engraving
from ugaar.render.layout import Layout
from ugaar.render.spelling import CLEFS, choose_clef, spell, spell_line, tonic
from ugaar.render.timeline import WHOLE, NotationError, events, segments

Q = 10080
LAYOUT = Layout(160, 101.0, 100)


def window(pitches, durations, **changes):
    onsets = [sum(durations[:index]) for index in range(len(durations))]
    row = {
        "pitch": pitches,
        "onset_tick": onsets,
        "duration_tick": durations,
        "bar_tick": [],
        "meter_tick": [],
        "meter": [],
        "key_fifths": None,
    }
    return {**row, **changes}


def notes(music):
    """Return the music without what is set before the first note."""
    return [word for word in music.split() if word[0] in "abcdefgr<" and word != "bass"]


def written(made):
    """Return moment and note of each head."""
    return [(head.moment, head.note) for head in made.heads]


def test_bars_are_crossed_by_ties():
    row = window(
        [60, 62], [6 * Q, 2 * Q], bar_tick=[0, 4 * Q, 8 * Q], meter_tick=[0], meter=["4/4"]
    )
    made = engraving(row, LAYOUT)
    assert notes(made.music) == ["c'1~", "c'2", "d'2"]
    assert written(made) == [(Fraction(0), 0), (Fraction(1), 0), (Fraction(3, 2), 1)]
    assert made.music.endswith(r'\bar "|"')


def test_a_bar_that_goes_on_has_no_closing_line():
    row = window([60, 62], [Q, Q], bar_tick=[0], meter_tick=[0], meter=["2/4"])
    music = engraving(row, LAYOUT).music
    assert r"\bar" not in music
    assert "make-moment 3 4" in music  # longer than the two quarters, so LilyPond draws none


def test_no_bars_in_the_source_means_no_bars():
    music = engraving(window([60], [6 * Q]), LAYOUT).music
    assert r"\cadenzaOn" in music
    assert r"\omit Staff.TimeSignature" in music
    assert r"\key" not in music


def test_window_that_starts_inside_a_bar_keeps_its_place_in_it():
    row = window(
        [60, 62], [Q, 3 * Q], bar_tick=[-2 * Q, Q, 4 * Q], meter_tick=[-2 * Q], meter=["3/4"]
    )
    music = engraving(row, LAYOUT).music
    assert r"\time 3/4 \set Timing.measureLength = #(ly:make-moment 3 4)" in music
    assert r"\set Timing.measurePosition = #(ly:make-moment 1 2)" in music


def test_irregular_bar_and_meter_change():
    row = window(
        [60] * 3,
        [2 * Q, 3 * Q, 6 * Q],
        bar_tick=[0, 2 * Q, 5 * Q, 11 * Q],
        meter_tick=[0, 5 * Q],
        meter=["3/4", "6/4"],
    )
    music = engraving(row, LAYOUT).music
    assert music.index(r"\time 3/4") < music.index("make-moment 1 2") < music.index(r"\time 6/4")
    assert notes(music) == ["c'2", "c'2.", "c'1."]


def test_gap_becomes_rests_without_double_dots_and_a_whole_bar_its_own():
    row = window(
        [60, 62],
        [Q // 2, Q],
        onset_tick=[0, 8 * Q],
        bar_tick=[0, 4 * Q, 8 * Q],
        meter_tick=[0],
        meter=["4/4"],
    )
    made = engraving(row, LAYOUT)
    assert made.music.split("c'8 ")[1].split(r"\set")[0].split() == ["r4.", "r2"]
    assert "R1*1 " in made.music
    assert written(made)[-1] == (Fraction(2), 1)


@pytest.mark.parametrize(
    ("meter", "length", "expected"),
    [
        ("4/4", Q * 5 // 2, ["c'2~", "c'8"]),
        ("6/8", Q * 5 // 2, ["c'4.~", "c'4"]),
        ("4/4", Q * 7 // 2, ["c'2.."]),
        ("4/4", GRID, ["c'128"]),
        ("8/2", 12 * Q, [r"c'\breve."]),
    ],
)
def test_lengths_on_the_grid(meter, length, expected):
    row = window([60], [length], bar_tick=[0], meter_tick=[0], meter=[meter])
    assert notes(engraving(row, LAYOUT).music) == expected


@pytest.mark.parametrize(
    ("lengths", "ratio"),
    [
        ([Q // 3] * 3, "3/2"),
        ([2 * Q // 3, Q // 3], "3/2"),
        ([4 * Q // 3] * 3, "3/2"),
        ([Q // 5] * 5, "5/4"),
        ([2 * Q // 7] * 7, "7/4"),
        ([Q // 9] * 9, "9/8"),
    ],
)
def test_tuplets(lengths, ratio):
    row = window(
        [60] * (len(lengths) + 1), [*lengths, Q], bar_tick=[0], meter_tick=[0], meter=["4/4"]
    )
    made = engraving(row, LAYOUT)
    assert rf"\tuplet {ratio} {{" in made.music
    assert [head.moment for head in made.heads] == [
        Fraction(tick, WHOLE) for tick in row["onset_tick"]
    ]


def test_long_note_into_a_triplet_is_tied_at_the_beat():
    row = window([60, 62], [10 * Q // 3, 2 * Q // 3], bar_tick=[0], meter_tick=[0], meter=["4/4"])
    assert notes(engraving(row, LAYOUT).music.replace(r"\tuplet 3/2 {", "")) == [
        "c'2.~",
        "c'8",
        "d'4",
    ]


def test_long_rest_in_a_triplet_is_divided_at_the_beat():
    row = window(
        [60, 62],
        [Q // 3, Q],
        onset_tick=[0, 3 * Q],
        bar_tick=[0],
        meter_tick=[0],
        meter=["4/4"],
    )
    assert r"\tuplet 3/2 { c'8 r4 } r2 d'4" in engraving(row, LAYOUT).music


def test_tuplet_cut_by_the_end_or_start_of_the_window():
    ending = window([60, 62], [Q, Q // 3], bar_tick=[0], meter_tick=[0], meter=["2/4"])
    assert r"c'4 \tuplet 3/2 { d'8 }" in engraving(ending, LAYOUT).music
    starting = window(
        [60, 62], [Q // 3, Q], bar_tick=[-2 * Q // 3, 4 * Q // 3], meter_tick=[0], meter=["2/4"]
    )
    assert r"\tuplet 3/2 { c'8 } d'4" in engraving(starting, LAYOUT).music


def test_lengths_that_no_tuplet_holds_are_refused():
    with pytest.raises(NotationError, match="1654 ticks") as caught:
        engraving(window([60, 62], [1654, Q]), LAYOUT)
    assert caught.value.reason == "not-notatable"


@pytest.mark.parametrize("seed", range(20))
def test_written_lengths_add_up(seed):
    """Whatever the rhythm, what is written sounds as long as the notes and starts when they do."""
    import random

    draw = random.Random(seed)
    lengths = [draw.choice([Q // 4, Q // 2, 3 * Q // 4, Q, 3 * Q, 5 * Q // 2]) for _ in range(20)]
    row = window(
        [draw.randrange(40, 80) for _ in range(20)],
        lengths,
        bar_tick=list(range(-Q, sum(lengths) + 1, 3 * Q)),
        meter_tick=[0],
        meter=["3/4"],
    )
    line = events(row["pitch"], row["onset_tick"], row["duration_tick"])
    total = Fraction(0)
    for part in segments(line, row["bar_tick"], row["meter_tick"], row["meter"])[0]:
        for item in write(part.pieces, part.bar_start, part.beat, 0, sum(lengths)):
            assert isinstance(item, Symbol)
            total += Fraction(item.base_ticks) * (2 - Fraction(1, 2**item.dots))
    assert total == sum(lengths)
    first_heads = {}
    for head in engraving(row, LAYOUT).heads:
        first_heads.setdefault(head.note, head.moment)
    assert [first_heads[note] * WHOLE for note in range(20)] == row["onset_tick"]


def test_simultaneous_notes_are_a_chord_and_overlaps_are_cut():
    row = window([64, 60, 62], [4 * Q, 4 * Q, Q], onset_tick=[0, 0, Q])
    made = engraving(row, LAYOUT)
    assert notes(made.music)[:2] == ["<c'", "e'>4"]
    assert written(made) == [(Fraction(0), 1), (Fraction(0), 0), (Fraction(1, 4), 2)]


def test_pieces_of_a_tuplet_scale():
    line = events([60] * 3, [0, Q // 3, 2 * Q // 3], [Q // 3] * 3)
    (tuplet,) = write(line, 0, Q, 0, Q)
    assert isinstance(tuplet, Tuplet)
    assert [(symbol.base_ticks, symbol.dots) for symbol in tuplet.symbols] == [(Q // 2, 0)] * 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (window([], []), "no-notes"),
        (window([60], [0]), "bad-duration"),
        (window([60], [Q], key_fifths=9), "bad-key"),
    ],
)
def test_what_cannot_be_engraved(row, reason):
    with pytest.raises(NotationError) as caught:
        engraving(row, LAYOUT)
    assert caught.value.reason == reason


def test_unknown_meter_is_left_out():
    row = window([60], [Q], bar_tick=[0], meter_tick=[0], meter=["3/4+2/4"])
    assert r"\time" not in engraving(row, LAYOUT).music


@pytest.mark.parametrize(
    ("pitch", "fifths", "following", "expected"),
    [
        (60, 0, None, ("c", 0, 4)),
        (66, 0, None, ("f", 1, 4)),
        (70, 0, None, ("b", -1, 4)),
        (70, 5, None, ("a", 1, 4)),  # the leading note of B major
        (71, -6, None, ("c", -1, 5)),  # C flat lies in the octave above
        (72, 7, None, ("b", 1, 4)),  # and B sharp in the one below
        (71, -4, 72, ("b", 0, 4)),  # rises to C in A flat major
        (61, 0, 60, ("d", -1, 4)),  # falls to C
        (0, 0, None, ("c", 0, -1)),
        (127, 0, None, ("g", 0, 9)),
    ],
)
def test_spelling(pitch, fifths, following, expected):
    found = spell(pitch, fifths, following)
    assert (found.letter, found.alteration, found.octave) == expected


def test_every_pitch_is_spelled_as_itself():
    semitones = dict(zip("cdefgab", (0, 2, 4, 5, 7, 9, 11), strict=True))
    for fifths in range(-7, 8):
        for pitch in range(128):
            for following in (None, pitch - 1, pitch + 1):
                found = spell(pitch, fifths, following)
                sounding = 12 * (found.octave + 1) + semitones[found.letter] + found.alteration
                assert sounding == pitch


def test_repeated_chromatic_notes_are_spelled_alike():
    assert [name.letter for name in spell_line([61, 61, 62], 0)] == ["c", "c", "d"]
    assert [name.letter for name in spell_line([61, 61, 60], 0)] == ["d", "d", "c"]


def test_key_signatures_start_on_their_tonic():
    assert [(tonic(f).letter, tonic(f).alteration) for f in (-7, -1, 0, 1, 6)] == [
        ("c", -1),
        ("f", 0),
        ("c", 0),
        ("g", 0),
        ("f", 1),
    ]


@pytest.mark.parametrize(
    ("pitches", "clef"),
    [
        ([60, 72, 76], "treble"),
        ([41, 48, 55], "bass"),
        ([48, 60, 67] * 7, "treble_8"),
        ([0] * 20, "bass_15"),
        ([127] * 20, "treble^15"),
    ],
)
def test_clef_by_range(pitches, clef):
    steps = [spell(pitch, 0).diatonic for pitch in pitches]
    assert choose_clef(steps, "readable", LAYOUT.reach).name == clef


@pytest.mark.parametrize(
    ("pitches", "clef"),
    [([60, 64], "treble"), ([45, 50], "treble"), ([40, 50], "treble"), ([33, 40], "bass")],
)
def test_the_treble_rule_leaves_the_treble_clef_only_where_it_must(pitches, clef):
    steps = [spell(pitch, 0).diatonic for pitch in pitches]
    assert choose_clef(steps, "treble", LAYOUT.reach).name == clef


def test_notes_that_no_clef_brings_onto_the_strip_are_left_to_be_rejected():
    steps = [spell(pitch, 0).diatonic for pitch in (12, 115)]
    assert choose_clef(steps, "treble", 20).name in {one.name for one in CLEFS}


def test_only_known_words_reach_lilypond():
    row = window([60, 63], [Q, Q], bar_tick=[0], meter_tick=[0], meter=["2/4"], key_fifths=-2)
    hostile = {**row, "syllable": ['"#(system "x")', "}"], "meter": ["#(exit)"]}
    music = engraving(hostile, LAYOUT).music
    assert "exit" not in music
    assert "system" not in music
