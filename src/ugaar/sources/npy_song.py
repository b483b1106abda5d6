"""One song of the published lyrics-melody collection: an object array in a .npy file.

Source: Yu, Srivastava and Canales, arXiv 1908.05551; the format is that of
github.com/yy1lab/Lyrics-Conditioned-Neural-Melody-Generation, Syllable_Parsing: `array[0]` is
(continuous, discrete, syllables), one entry a note each. The file is read with the allow-list
unpickler, never with `numpy.load(allow_pickle=True)`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.sources import safe_pickle
from ugaar.sources.unusable import UnusableFileError
from ugaar.tables import TICKS_PER_QUARTER

LARGEST_FILE = 4 * 1024 * 1024
"""The collection's largest song has 106 kB; a file that unpacks to more than this is no song."""

LARGEST_TIME_S = 1e6
LARGEST_BEATS = 1e6


@dataclass(frozen=True)
class NpySong:
    """The notes of a file as it gives them, checked.

    Attributes:
        delta_s: (notes,) time since the previous note's start, seconds; may be negative.
        length_s: (notes,) sounding length, seconds, positive.
        pitch: (notes,) MIDI pitch, int.
        duration_beats: (notes,) notated duration, quarter notes, positive.
        rest_beats: (notes,) notated rest before the note, quarter notes, at least 0.
        text: the syllable of each note as written.
    """

    delta_s: NDArray[np.float64]
    length_s: NDArray[np.float64]
    pitch: NDArray[np.int64]
    duration_beats: NDArray[np.float64]
    rest_beats: NDArray[np.float64]
    text: list[str]

    def onset_s(self) -> NDArray[np.float64]:
        """Return sounding onsets, seconds, never decreasing.

        The file's "start" is the time since the previous note's start, although its description
        calls it a start. 2,873 of the collection's 2,064,694 notes start before the note before
        them; as one voice sings in the order of its syllables, these start together with it.
        """
        return np.cumsum(np.maximum(self.delta_s, 0.0))

    def ticks(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return notated onsets and durations, ticks: rests and notes laid end to end."""
        durations = np.maximum(np.rint(self.duration_beats * TICKS_PER_QUARTER), 1).astype(np.int64)
        rests = np.rint(self.rest_beats * TICKS_PER_QUARTER).astype(np.int64)
        return np.cumsum(durations + rests) - durations, durations


def parse(data: bytes) -> NpySong:
    """Read a song from the bytes of a .npy file.

    Raises:
        UnusableFileError: the file is empty, damaged, hostile, or holds no song of this format.
    """
    return check(*parts_of(_array(data)))


def _array(data: bytes) -> object:
    if not data:
        raise UnusableFileError("empty-file", "0 bytes")
    file = io.BytesIO(data)
    try:
        version = npy_format.read_magic(file)
        if version == (1, 0):
            shape, _, kind = npy_format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, kind = npy_format.read_array_header_2_0(file)
        else:
            raise UnusableFileError("not-npy", f"version {version} of the .npy format")
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise UnusableFileError("not-npy", f"{type(error).__name__}: {error}") from error
    if not kind.hasobject:
        raise UnusableFileError("wrong-shape", f"an array of {kind}, not of Python objects")
    try:
        found = safe_pickle.load(file)
    except DataError as error:
        # A refused name has no cause; a pickle that could not be read has one.
        reason = "unreadable-file" if error.__cause__ else "unsafe-pickle"
        raise UnusableFileError(reason, str(error)) from error
    if not isinstance(found, np.ndarray) or found.size != np.prod(shape, dtype=np.int64):
        raise UnusableFileError("wrong-shape", f"the data are no array of shape {shape}")
    return found.reshape(shape)


def parts_of(array: object) -> tuple[Sequence, Sequence, Sequence]:
    """Return the continuous, discrete and syllable entries of an array of this format."""
    song = array[0] if isinstance(array, np.ndarray) and array.ndim and len(array) == 1 else None
    if not isinstance(song, (np.ndarray, list, tuple)) or len(song) != 3:
        shape = getattr(array, "shape", None)
        raise UnusableFileError(
            "wrong-shape", f"shape {shape}; expected one row of continuous, discrete, syllables"
        )
    for part in song:
        if not isinstance(part, (np.ndarray, list, tuple)) or np.ndim(part[:0]) == 0:
            raise UnusableFileError("wrong-shape", f"a {type(part).__name__} instead of a list")
    continuous, discrete, syllables = song
    return continuous, discrete, syllables


def check(continuous: Sequence, discrete: Sequence, syllables: Sequence) -> NpySong:
    """Return the song, or raise `UnusableFileError` naming the first note that is wrong.

    Args:
        continuous: for each note [time since the previous start s, length s, Hz, velocity].
        discrete: for each note [MIDI pitch, duration in beats, rest before in beats].
        syllables: for each note its text.
    """
    lengths = (len(continuous), len(discrete), len(syllables))
    if len(set(lengths)) > 1:
        raise UnusableFileError(
            "unequal-lengths", "{} continuous, {} discrete, {} syllables".format(*lengths)
        )
    if not lengths[0]:
        raise UnusableFileError("no-notes", "0 notes")
    text = _texts(syllables)
    performed, written = _numbers(continuous, 4, "continuous"), _numbers(discrete, 3, "discrete")
    pitch = written[:, 0]
    _refuse(
        (pitch != np.rint(pitch)) | (pitch < 0) | (pitch > 127), "bad-pitch", "MIDI pitch", pitch
    )
    for values, what, least, most in (
        (performed[:, 0], "start (s)", -LARGEST_TIME_S, LARGEST_TIME_S),
        (performed[:, 1], "length (s)", 0.0, LARGEST_TIME_S),
        (written[:, 1], "duration (beats)", 0.0, LARGEST_BEATS),
        (written[:, 2], "rest (beats)", 0.0, LARGEST_BEATS),
    ):
        _refuse(~((values >= least) & (values <= most)), "bad-time", what, values)
    _refuse(performed[:, 1] == 0, "bad-time", "length (s)", performed[:, 1])
    _refuse(written[:, 1] == 0, "bad-time", "duration (beats)", written[:, 1])
    return NpySong(
        delta_s=performed[:, 0],
        length_s=performed[:, 1],
        pitch=pitch.astype(np.int64),
        duration_beats=written[:, 1],
        rest_beats=written[:, 2],
        text=text,
    )


def _texts(syllables: Iterable[object]) -> list[str]:
    text = []
    for number, syllable in enumerate(syllables):
        if not isinstance(syllable, str):
            kind = type(syllable).__name__
            raise UnusableFileError("bad-syllable", f"note {number}: a {kind} instead of text")
        if not syllable.strip():
            raise UnusableFileError("bad-syllable", f"note {number}: empty")
        text.append(str(syllable))
    return text


def _numbers(rows: Sequence, width: int, what: str) -> NDArray[np.float64]:
    """Return rows of numbers as an array; nothing nested is ever expanded."""
    for number, row in enumerate(rows):
        if not isinstance(row, (list, tuple, np.ndarray)) or len(row) != width:
            raise UnusableFileError("wrong-shape", f"note {number}: {what} is not {width} numbers")
    kinds = {type(value) for value in chain.from_iterable(rows)}
    strange = [
        kind.__name__
        for kind in kinds
        if not issubclass(kind, (int, float, np.integer, np.floating)) or kind is bool
    ]
    if strange:
        raise UnusableFileError("wrong-shape", f"{what} holds {', '.join(sorted(strange))}")
    try:
        flat = np.fromiter(chain.from_iterable(rows), dtype=np.float64, count=len(rows) * width)
    except OverflowError as error:
        raise UnusableFileError("bad-time", f"{what}: {error}") from error
    return flat.reshape(-1, width)


def _refuse(wrong: NDArray[np.bool_], reason: str, what: str, values: NDArray[np.float64]) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise UnusableFileError(
            reason, f"note {first}: {what} is {values[first]:g}; {int(wrong.sum())} such notes"
        )
