"""Rows of the songs table that the export tests write, and how they are read back."""

from pathlib import Path

from ugaar.score.lyrics import Fragment
from ugaar.score.notes import Note
from ugaar.settings import load_yaml
from ugaar.sources.midi_folder import song_of
from ugaar.sources.songs import Grid, Origin, song_row

QUARTER = 10080
SOURCE = load_yaml(Path(__file__).parents[2] / "config.yaml")["source"] | {"kind": "midi"}


def song(notes, words, grid=None, **origin):
    """A row from (pitch, onset s, end s, onset tick) notes and words split by hyphens."""
    fragments = []
    for word in words:
        pieces = word.split("-")
        last = len(pieces) - 1
        fragments += [
            (Fragment(piece, place == 0, place == last),) for place, piece in enumerate(pieces)
        ]
    about = {
        "source": "test",
        "collection": ".",
        "path": "song",
        "part": "Voice",
        "title": "A title",
        "composer": "",
        "language": "en",
        "verse": "1",
        "encoding": "utf-8",
        "timing": "performed",
        "tempo_source": "default",
    }
    made = [
        Note(pitch, tick, tick + QUARTER // 2, start, end, text)
        for (pitch, start, end, tick), text in zip(notes, fragments, strict=True)
    ]
    return song_row(Origin(**about | origin), made, grid or Grid())


def tune(count=24, seconds_per_quarter=0.5, start=0.0):
    """Quarter notes of a scale, each 80 % of its length."""
    return [
        (
            60 + place % 12,
            start + place * seconds_per_quarter,
            start + (place + 0.8) * seconds_per_quarter,
            place * QUARTER + round(start * 2 * QUARTER),
        )
        for place in range(count)
    ]


def words(count=24):
    """Words of one and two syllables: `count` syllables in all."""
    return (["gold-en", "day"] * count)[: count // 3 * 2]


def read_back(path):
    """The row that source `midi` reads from a file."""
    return song_of(path.read_bytes(), path.name, SOURCE)
