"""Guards windows: 20 pairs, the silence rule, relative times, content keys, quantisation."""

import pytest
from ingest_settings import WINDOW as SETTINGS

from ugaar.score.lyrics import Fragment
from ugaar.score.notes import Note, apply_melisma
from ugaar.score.quantise import clip_to_next_onset, quantise, steps_of_beats
from ugaar.score.tempo import TempoMap
from ugaar.score.windows import is_drawn, longest_silence, windows_of

Q = 10080


def song(count=45, **changes):
    row = {
        "song_id": "abc",
        "path": "x/y.mid",
        "collection": "x",
        "language": "en",
        "timing": "notated",
        "n_notes": count,
        "pitch": [60 + i % 12 for i in range(count)],
        "onset_s": [0.5 * i for i in range(count)],
        "duration_s": [0.5] * count,
        "onset_tick": [Q * i for i in range(count)],
        "duration_tick": [Q] * count,
        "text": [f"S{i}" for i in range(count)],
        "syllable": [f"s{i}" for i in range(count)],
        "word": [f"w{i}" for i in range(count)],
        "bar_tick": [4 * Q * i for i in range(count // 4 + 1)],
        "meter_tick": [0, 24 * Q],
        "meter": ["4/4", "3/4"],
        "key_tick": [0, 28 * Q],
        "key_fifths": [-1, 3],
    }
    return row | changes


def test_45_notes_are_two_windows_and_five_left_over():
    windows, rejects = windows_of(song(), SETTINGS)
    assert [window["window_id"] for window in windows] == ["abc-0", "abc-1"]
    assert rejects == []
    assert windows[1]["syllable"] == [f"s{i}" for i in range(20, 40)]
    assert all(len(window["pitch"]) == 20 for window in windows)


@pytest.mark.parametrize(("count", "expected"), [(20, 1), (39, 1), (40, 2), (60, 2)])
def test_two_per_song_as_the_paper(count, expected):
    assert len(windows_of(song(count), SETTINGS | {"per_song": 2})[0]) == expected


def test_short_song_is_a_reject():
    windows, (row,) = windows_of(song(19), SETTINGS)
    assert windows == []
    assert (row["level"], row["reason"], row["item"]) == ("song", "too-few-notes", "abc")
    assert "19" in row["detail"]
    assert row["remedy"]


def test_times_count_from_the_first_note():
    window = windows_of(song(), SETTINGS)[0][1]
    assert window["onset_s"][0] == 0
    assert window["onset_tick"][:2] == [0, Q]
    # Notes 20 to 39: bars of the fourfold grid at 20, 24 .. 40, the last one at the very end.
    assert window["bar_tick"] == [4 * Q * i for i in range(6)]
    assert (window["meter_tick"], window["meter"]) == ([0, 4 * Q], ["4/4", "3/4"])
    assert window["key_fifths"] == -1


def test_first_bar_holds_the_first_note():
    window = windows_of(song(bar_tick=[3 * Q * i for i in range(20)]), SETTINGS)[0][1]
    assert window["bar_tick"][0] == -2 * Q
    assert window["bar_tick"][1] == Q


def test_no_bars_no_meter_no_key_stay_unknown():
    row = song(bar_tick=[], meter_tick=[], meter=[], key_tick=[], key_fifths=[])
    window = windows_of(row, SETTINGS)[0][0]
    assert window["bar_tick"] == window["meter"] == window["meter_tick"] == []
    assert window["key_fifths"] is None


@pytest.mark.parametrize(("silence", "kept"), [(3.9, True), (4.0, True), (4.1, False)])
def test_silence_over_the_limit_drops_its_window_alone(silence, kept):
    onsets = [0.5 * i + (silence if i > 10 else 0) for i in range(45)]
    windows, rejects = windows_of(song(onset_s=onsets), SETTINGS)
    assert [window["index"] for window in windows] == ([0, 1] if kept else [1])
    assert [row["reason"] for row in rejects] == ([] if kept else ["silence-over-limit"])


def test_silence_between_windows_does_not_count():
    onsets = [0.5 * i + (60 if i >= 20 else 0) for i in range(45)]
    assert len(windows_of(song(onset_s=onsets), SETTINGS)[0]) == 2


def test_silence_is_from_the_end_of_a_note():
    assert longest_silence([0, 5, 6], [4, 1, 9]) == pytest.approx(1)
    assert longest_silence([0, 1], [3, 1]) == 0


def test_note_of_a_minute_is_a_reject():
    durations = [0.5] * 44 + [0.5]
    durations[39] = 60.0
    windows, (row,) = windows_of(song(duration_s=durations), SETTINGS)
    assert len(windows) == 1
    assert row["reason"] == "note-over-limit"
    assert "60.00" in row["detail"]


def test_keys_depend_on_their_own_content_only():
    base = windows_of(song(), SETTINGS)[0][0]

    def changed(**changes):
        other = windows_of(song(**changes), SETTINGS)[0][0]
        names = ("audio_key", "sheet_key", "lyrics_key")
        return {name for name in names if other[name] != base[name]}

    assert changed(song_id="other", path="z", collection="z") == set()
    assert changed(syllable=["x"] * 45) == {"lyrics_key"}
    assert changed(duration_s=[0.4] * 45) == {"audio_key"}
    assert changed(meter=["2/2", "3/4"]) == {"sheet_key"}
    assert changed(pitch=[61] * 45) == {"audio_key", "sheet_key"}
    noise = [0.5 * i + 1e-9 for i in range(45)]
    assert changed(onset_s=noise) == set()


def test_overlapping_notes_are_clipped_on_paper_only():
    row = song(duration_tick=[2 * Q] * 45, duration_s=[1.0] * 45)
    window = windows_of(row, SETTINGS)[0][0]
    assert window["duration_tick"] == [Q] * 19 + [2 * Q]
    assert window["duration_s"] == [1.0] * 20


def test_performed_window_is_quantised_and_keeps_its_sound():
    late = [Q * i + (300 if i % 2 else 0) for i in range(45)]
    row = song(timing="performed", onset_tick=late, onset_s=[tick / Q / 2 for tick in late])
    window = windows_of(row, SETTINGS)[0][0]
    assert window["onset_tick"] == [Q * i for i in range(20)]
    assert window["onset_s"][1] == pytest.approx(0.5 + 300 / Q / 2)
    assert window["quantise_error_s"] == pytest.approx(300 / Q / 2)


def test_far_from_the_grid_is_a_reject():
    far = [Q * i * 2 + (Q // 8 if i % 2 else 0) for i in range(45)]
    seconds = {"onset_s": [tick / Q * 3 for tick in far], "duration_s": [5.0] * 45}
    row = song(timing="performed", onset_tick=far, **seconds)
    windows, rejects = windows_of(row, SETTINGS)
    assert windows == []
    assert {reject["reason"] for reject in rejects} == {"quantise-error"}


def test_each_beat_takes_the_better_grid():
    third = Q // 3
    onsets = [0, Q // 4 + 50, Q // 2 - 40, Q, Q + third + 30, Q + 2 * third - 30, 2 * Q]
    assert steps_of_beats(onsets, 4) == {0: 2520, 1: 1680, 2: 2520}
    found = quantise(onsets, [*onsets[1:], 3 * Q], lambda tick: tick / Q, 4)
    assert found.onset_tick == [0, 2520, 5040, Q, Q + third, Q + 2 * third, 2 * Q]
    assert found.duration_tick == [2520, 2520, 5040, third, third, third, Q]
    assert found.error_s == pytest.approx(50 / Q)


def test_onsets_never_fall_together():
    found = quantise([0, 100, 200], [100, 200, Q], lambda tick: tick / Q, 4)
    assert found.onset_tick == [0, 2520, 5040]
    assert found.duration_tick == [2520, 2520, 5040]
    assert found.error_s == pytest.approx((5040 - 200) / Q)


def test_clip_to_next_onset():
    assert clip_to_next_onset([0, 10, 30], [15, 5, 99]) == [10, 5, 99]


def test_tempo_changes_in_the_middle():
    times = TempoMap([(2 * Q, 60.0), (4 * Q, 240.0)], 120.0)
    assert [times.seconds(beat * Q) for beat in (0, 2, 3, 4, 8)] == [0, 1, 2, 3, 4]


def _note(beat, text=None, length=1):
    made = (Fragment(text, True, True),) if text else ()
    return Note(60 + beat, beat * Q, (beat + length) * Q, beat * 1.0, beat + length * 1.0, made)


def test_melisma_extends_or_keeps():
    notes = [_note(0), _note(1, "la"), _note(2), _note(3), _note(5), _note(6, "di")]
    extended = apply_melisma(notes, "extend", 2.0)
    assert [(note.onset_tick // Q, note.end_tick // Q) for note in extended] == [(1, 6), (6, 7)]
    assert extended[0].end_s == 6.0
    kept = apply_melisma(notes, "keep", 2.0)
    assert [note.text[0].text for note in kept] == ["la", "la", "la", "la", "di"]


@pytest.mark.parametrize("rule", ["extend", "keep"])
def test_melisma_ends_at_a_long_rest(rule):
    notes = [_note(0, "la"), _note(10), _note(11), _note(12, "di")]
    found = apply_melisma(notes, rule, 2.0)
    assert [(note.onset_s, note.end_s) for note in found] == [(0.0, 1.0), (12.0, 13.0)]


def test_unknown_melisma_rule():
    with pytest.raises(ValueError, match="known rules"):
        apply_melisma([], "hold", 4.0)


def test_a_share_of_the_songs_is_drawn_by_their_ids_alone():
    ids = [f"{number:012x}" for number in range(4000)]
    third = {song for song in ids if is_drawn(song, 1 / 3)}
    assert len(third) == pytest.approx(4000 / 3, rel=0.1)
    assert third < {song for song in ids if is_drawn(song, 0.5)}
    assert all(is_drawn(song, 1.0) for song in ids)
    assert not any(is_drawn(song, 0.0) for song in ids)
