"""Does the strip of a piece show, and its recording play, every onset where we say it does?

Training pairs are cut around these places, so each is measured: on the paper by the ink at both
edges of the notehead, in the sound by the rise of energy in the note's own partials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ugaar.features import spectrogram
from ugaar.features.audio_clips import resample
from ugaar.render.layout import Layout
from ugaar.render.notation import WrittenHead, system, written_heads
from ugaar.render.timeline import WHOLE

COLUMN_SPACES = 2.5
"""Heads of one onset lie this close together: seconds stand side by side, and a whole note is
wider than a quarter note above it; staff spaces."""

EDGES_SPACES, WIDE_EDGES_SPACES = (0.43, 0.57), (0.72, 0.86)
"""Where the left and right edges of a notehead are looked for, from its centre; of whole notes
the second."""

LEAST_INK = 0.2
"""At the paler edge of every notehead of 1,028 Nottingham tunes by LilyPond 0.33 of the pixels or
more are ink; 2 px beside the places it is 0.09, a staff line, somewhere on every strip."""

PARTIALS = 8
"""Repeated notes rise least: the string still sounds. Its higher partials have died away."""

FRAME = spectrogram.FRAME_SIZE // 2
"""Samples looked at before and behind an onset, 46 ms: ornaments follow each other in 83 ms, less
than a whole frame of the spectrogram."""

LEAST_RISE = 0.008
"""Rise of log10(1 + magnitude): 0.015 or more at every onset of the Nottingham tunes on a piano;
0.004 or less where a note, mostly a repeated one, was left out; below 0 somewhere in every
recording that is 0.1 or 0.15 s early or late."""


class AlignmentError(Exception):
    """Strip or recording differ from the piece; `reason` is the reason code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class OnStrip:
    """Where the onsets of a piece lie on its strip.

    Attributes:
        x_px: centre of the noteheads of each onset (n_onsets,), float64, pixels from the left.
        least_step_px: smallest distance between neighbours; nan where there is one onset.
        least_ink: smallest share of ink at an edge of a notehead.
    """

    x_px: NDArray[np.float64]
    least_step_px: float
    least_ink: float


def onset_numbers(onset_tick: Sequence[int]) -> NDArray[np.int64]:
    """Return the number of the onset of each note (n_notes,), from 0; chords count once."""
    return np.unique(np.asarray(onset_tick, dtype=np.int64), return_inverse=True)[1]


def first_frame(onset_s: NDArray[np.float64], frames_per_second: float) -> NDArray[np.int64]:
    """Return the first frame that starts at or after each onset."""
    # Rounded, or 0.15 s at 20 frames a second would be frame 4; see `spectrogram.onset_frame`.
    return np.ceil(np.round(np.asarray(onset_s) * frames_per_second, 6)).astype(np.int64)


def check_strip(
    piece: Mapping[str, Any],
    strip: NDArray[np.uint8],
    note_index: Sequence[int],
    notehead_x_px: Sequence[float],
    layout: Layout,
) -> OnStrip:
    """Check the strip of a piece note by note.

    Args:
        piece: a row of the pieces table.
        strip: the strip (height, width), paper = 255.
        note_index: note that each notehead belongs to, as in the sheet table (n_heads).
        notehead_x_px: centre of each notehead (n_heads).
        layout: size of the strip.

    Returns:
        Where the onsets lie.

    Raises:
        AlignmentError: alignment-heads: there is not one column of noteheads for each onset, in
            order; alignment-ink: there is no ink where a notehead should be.
    """
    numbers = onset_numbers(piece["onset_tick"])
    columns_px = onset_columns(
        numbers, note_index, notehead_x_px, COLUMN_SPACES * layout.pixels_per_space
    )
    plans = system(piece, layout)
    heads = written_heads(plans)
    if [head.note for head in heads] != list(note_index):
        raise AlignmentError("alignment-heads", "the strip shows other noteheads than the piece")
    ink = head_ink(strip, heads, np.asarray(notehead_x_px), layout, len(plans))
    bad = np.flatnonzero(ink < LEAST_INK)
    if len(bad):
        first = int(bad[0])
        raise AlignmentError(
            "alignment-ink",
            f"{_named(piece, heads[first].note)}: {ink[first]:.2f} of an edge of its notehead at "
            f"{notehead_x_px[first]:.1f} px is ink, expected {LEAST_INK:g}; {len(bad)} in all",
        )
    steps = np.diff(columns_px)
    return OnStrip(columns_px, float(steps.min()) if len(steps) else np.nan, float(ink.min()))


def onset_columns(
    numbers: NDArray[np.int64],
    note_index: Sequence[int],
    notehead_x_px: Sequence[float],
    tolerance_px: float,
) -> NDArray[np.float64]:
    """Return the column of each onset: the middle of the heads that start its notes.

    Args:
        numbers: onset of each note (n_notes,).
        note_index: note of each notehead, in order of time (n_heads).
        notehead_x_px: centre of each notehead (n_heads).
        tolerance_px: largest distance between heads of one onset.

    Returns:
        (n_onsets,) float64, strictly increasing.

    Raises:
        AlignmentError: alignment-heads.
    """
    first: dict[int, float] = {}
    order: list[int] = []
    for note, x_px in zip(note_index, notehead_x_px, strict=True):
        if note not in first:
            first[note] = x_px
            order.append(note)
    missing = sorted(set(range(len(numbers))) - set(first))
    unknown = sorted(set(first) - set(range(len(numbers))))
    if missing or unknown:
        raise AlignmentError(
            "alignment-heads",
            f"{len(numbers)} notes, but noteheads for {len(first)}: note {(missing + unknown)[0]} "
            f"{'has none' if missing else 'is not in the piece'}",
        )
    in_time = numbers[order]
    late = np.flatnonzero(np.diff(in_time) < 0)
    if len(late):
        raise AlignmentError(
            "alignment-heads", f"the notehead of note {order[late[0] + 1]} comes too late"
        )
    columns = np.empty(int(numbers.max()) + 1)
    for number in range(len(columns)):
        heads = np.array([first[note] for note in np.flatnonzero(numbers == number).tolist()])
        if np.ptp(heads) > tolerance_px:
            raise AlignmentError(
                "alignment-heads",
                f"the noteheads of onset {number} lie {np.ptp(heads):.1f} px apart",
            )
        columns[number] = np.median(heads)
    back = np.flatnonzero(np.diff(columns) <= 0)
    if len(back):
        raise AlignmentError(
            "alignment-heads",
            f"onset {back[0] + 1} at {columns[back[0] + 1]:.1f} px does not lie right of onset "
            f"{back[0]} at {columns[back[0]]:.1f} px",
        )
    return columns


def head_ink(
    strip: NDArray[np.uint8],
    heads: Sequence[WrittenHead],
    x_px: NDArray[np.float64],
    layout: Layout,
    staves: int,
) -> NDArray[np.float64]:
    """Return how dark the paler edge of each notehead is, 0 (paper) to 1.

    Both edges are looked at, because a hollow head is paper in the middle, and because half of a
    head is still ink under a place a few pixels beside it.

    Args:
        strip: the strip (height, width), paper = 255.
        heads: written heads (n_heads).
        x_px: where their centres should be (n_heads,).
        layout: size of the strip.
        staves: number of staves on it.

    Returns:
        (n_heads,) float64; 0 for what would lie outside the strip.
    """
    darkness = 1.0 - strip / 255.0
    space = layout.pixels_per_space
    found = np.zeros(len(heads))
    for index, (head, x) in enumerate(zip(heads, x_px, strict=True)):
        wide = head.base_ticks >= WHOLE
        near, far = (round(part * space) for part in (WIDE_EDGES_SPACES if wide else EDGES_SPACES))
        column = int(np.floor(x))
        middle = layout.middle_px(head.staff, staves) - head.position * space / 2
        rows = slice(max(0, round(middle - 0.43 * space)), round(middle + 0.43 * space))
        if column - far < 0:
            continue
        left = darkness[rows, column - far : column - near + 1]
        right = darkness[rows, column + near : column + far + 1]
        if left.size and left.size == right.size:
            found[index] = min(left.mean(), right.mean())
    return found


def check_audio(
    piece: Mapping[str, Any], clip: NDArray[np.float32], rate_hz: int, onset_s: Sequence[float]
) -> float:
    """Check the recording of a piece note by note.

    Args:
        piece: a row of the pieces table; pitches as they sound in the recording.
        clip: mono samples (n,), full scale = 1.
        rate_hz: their sampling rate.
        onset_s: onset of each note in the recording (n_notes), seconds.

    Returns:
        The smallest rise at an onset.

    Raises:
        AlignmentError: alignment-energy: at an onset the energy of the note does not rise.
    """
    if len(onset_s) != len(piece["pitch"]):
        raise AlignmentError(
            "alignment-energy", f"{len(piece['pitch'])} notes, but {len(onset_s)} in the recording"
        )
    rise = onset_rises(clip, rate_hz, np.asarray(onset_s), np.asarray(piece["pitch"]))
    bad = np.flatnonzero(rise < LEAST_RISE)
    if len(bad):
        first = int(bad[np.argmin(np.asarray(onset_s)[bad])])
        raise AlignmentError(
            "alignment-energy",
            f"{_named(piece, first)} at {onset_s[first]:.3f} s: energy rises by {rise[first]:.3f}, "
            f"expected {LEAST_RISE:g}; {len(bad)} in all",
        )
    return float(rise.min())


def onset_rises(
    clip: NDArray[np.float32],
    rate_hz: int,
    onset_s: NDArray[np.float64],
    pitches: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return by how much the energy of each note rises at its onset.

    A frame that starts at the onset is compared with one that ends there, in the spectrogram's
    bands of the note's first `PARTIALS` partials. The second largest rise counts, because one
    partial of a sounding string may swell by itself. A piece of one pitch alone that is played
    early or late need not be found out: after its attack a string can still swell.

    Args:
        clip: mono samples (n,).
        rate_hz: their sampling rate.
        onset_s: onsets (n_notes,).
        pitches: MIDI pitches (n_notes,).

    Returns:
        (n_notes,) float64, differences of log10(1 + magnitude).
    """
    samples = resample(clip, rate_hz, spectrogram.SAMPLE_RATE_HZ)
    padded = np.pad(samples, (FRAME, 2 * FRAME))
    onsets = np.round(onset_s * spectrogram.SAMPLE_RATE_HZ).astype(np.int64) + FRAME
    onsets = np.clip(onsets, FRAME, len(padded) - FRAME)
    hertz = 440.0 * 2.0 ** ((np.asarray(pitches) - 69) / 12)
    centres = spectrogram.band_edges()[1:-1] * spectrogram.SAMPLE_RATE_HZ / spectrogram.FRAME_SIZE
    before, after = (_frames(padded, starts) for starts in (onsets - FRAME, onsets))
    change = after - before
    rises = np.full((PARTIALS, len(onsets)), -np.inf)
    for number in range(PARTIALS):
        sounding = hertz * (number + 1)
        band = np.abs(centres[None, :] - sounding[:, None]).argmin(axis=1)
        # The fundamental always counts: of the highest notes it is all that the bands hold.
        held = (sounding <= centres[-1]) | (number == 0)
        rises[number] = np.where(held, change[np.arange(len(onsets)), band], -np.inf)
    largest, second = np.sort(rises, axis=0)[[-1, -2]]
    return np.where(np.isfinite(second), second, largest)


def _frames(samples: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return log magnitudes in the bands of the spectrogram, of frames from some samples on."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[starts]
    window = np.hanning(FRAME).astype(np.float32)
    magnitudes = np.abs(np.fft.rfft(frames * window, spectrogram.FRAME_SIZE, axis=1))
    return np.log10(1.0 + magnitudes @ spectrogram.filterbank())


def _named(piece: Mapping[str, Any], note: int) -> str:
    return f"note {note} (pitch {piece['pitch'][note]}, tick {piece['onset_tick'][note]})"
