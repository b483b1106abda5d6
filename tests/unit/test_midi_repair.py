"""Guards what mido would lose: files with odd meta events, their timing, and words at the edge."""

import mido
import pytest
from midi_files import RESOLUTION, midi_bytes, plain_song, track_of
from test_midi_source import SOURCE, WORDS

from ugaar.score.dialects import fragments_of
from ugaar.score.lyrics import syllables_and_words
from ugaar.sources.midi_folder import song_of
from ugaar.sources.midi_repair import neutralised

GOOD = midi_bytes(plain_song())
HOLDS = ["_", "~", "+", "-"]


def with_events(data, events, track=0, before=b""):
    """The file with bytes put into a track: at its start, or in place of `before`."""
    start = -1
    for _ in range(track + 1):
        start = data.index(b"MTrk", start + 1)
    place = data.index(before, start + 8) if before else start + 8
    size = int.from_bytes(data[start + 4 : start + 8], "big") + len(events) - len(before)
    return b"".join(
        [
            data[: start + 4],
            size.to_bytes(4, "big"),
            data[start + 8 : place],
            events,
            data[place + len(before) :],
        ]
    )


def read(data):
    return song_of(data, "song.mid", SOURCE)


@pytest.mark.parametrize(
    "event",
    [
        b"\xff\x59\x02\x2a\x07",
        b"\xff\x59\x02\x00\x02",
        b"\xff\x59\x01\x00",
        b"\xff\x58\x02\x04\x02",
        b"\xff\x58\x04\x00\x02\x18\x08",
        b"\xff\x58\x04\x04\xc8\x18\x08",
        b"\xff\x51\x03\x00\x00\x00",
        b"\xff\x51\x02\x07\xa1",
        b"\xff\x54\x05\xff\x00\x00\x00\x00",
        b"\xff\x20\x00",
    ],
    ids=lambda event: event.hex(" "),
)
def test_a_malformed_meta_event_costs_nothing_but_itself(event):
    data = with_events(GOOD, b"\0" + event)
    assert neutralised(data)[1] == 1
    assert read(data) == read(GOOD)


def test_the_time_before_an_unknown_meta_event_is_kept():
    half = b"\x81\x70"
    data = with_events(GOOD, half + b"\xff\x60\x01\x05" + half, track=2, before=b"\x83\x60")
    assert neutralised(data)[1] == 0
    # mido alone loses 240 ticks here; if it stops doing so, the repair may go.
    import io

    lost = sum(event.time for event in mido.MidiFile(file=io.BytesIO(data)).tracks[2])
    assert lost == 40 * RESOLUTION - 240
    assert read(data) == read(GOOD)


def test_a_good_file_is_left_as_it_is():
    data = midi_bytes(plain_song(key="Eb"))
    assert neutralised(data) == (data, 0)


@pytest.mark.parametrize("size", range(14, len(GOOD), 37))
def test_a_file_cut_anywhere_is_no_crash_of_the_repair(size):
    safe, malformed = neutralised(GOOD[:size])
    assert (safe, malformed) == (GOOD[:size], 0)


def test_tempo_in_another_track_counts():
    song = plain_song(tempo_qpm=None)
    song.more_tracks = [
        track_of(
            [
                (0, mido.MetaMessage("set_tempo", tempo=1_000_000)),
                (2, mido.MetaMessage("set_tempo", tempo=250_000)),
            ]
        )
    ]
    row = read(midi_bytes(song))
    assert row["onset_s"][:5] == pytest.approx([0, 1, 2, 2.25, 2.5])
    assert row["tempo_source"] == "midi"


def test_karaoke_that_begins_at_once_keeps_its_first_syllable():
    song = plain_song(kind="text", headers=["@KMIDI KARAOKE FILE", "Made by somebody"])
    row = read(midi_bytes(song))
    assert row["n_notes"] == 40
    assert row["word"][:8] == WORDS


def test_a_credit_before_the_music_is_no_lyric():
    song = plain_song(kind="text", headers=["@KMIDI KARAOKE FILE", "Made by somebody "])
    song.notes = [(at + 0.5, length, pitch) for at, length, pitch in song.notes]
    song.lyrics = [(at + 0.5, text) for at, text in song.lyrics]
    row = read(midi_bytes(song))
    assert row["n_notes"] == 40
    assert row["word"][:8] == WORDS


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["A", "-maz", "-ing", "grace"], ["amazing"] * 3 + ["grace"]),
        (["A-", "maz-\r", "ing", "grace"], ["amazing"] * 3 + ["grace"]),
        (["A-", "maz-", "/ing", "grace"], ["amazing"] * 3 + ["grace"]),
        (["A- ", "maz- ", "ing ", "grace "], ["amazing"] * 3 + ["grace"]),
        (["A", " ma", "zing", " grace"], ["a", "mazing", "mazing", "grace"]),
        (["A", "ma", "zing\r", "grace", " how\n"], ["amazing"] * 3 + ["grace", "how"]),
        (["A", "ma", "zing", "_ ", "grace"], ["amazing"] * 3 + ["grace"]),
        (["la ", "do", "\r", "re ", "mi "], ["la", "do", "re", "mi"]),
    ],
    ids=str,
)
def test_words_at_hyphens_spaces_and_line_breaks(texts, words):
    sung = [found for found in fragments_of(texts, HOLDS) if found]
    assert syllables_and_words(sung)[1] == words
