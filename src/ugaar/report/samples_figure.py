"""A panel of samples after the paper's Fig. 2: sheet, lyrics and sound of the same 20 notes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ugaar.report.style import FAINT, INK, MUTED

LICENCE_CLEAN = (
    "johnson_j_r/lift_every_voice",
    "liliuokalani/aloha_oe",
    "leadSheet/fosterBrownHair",
)
"""Scores of the music21 corpus whose work and encoding are both in the public domain or CC0."""


@dataclass(frozen=True)
class Sample:
    """One window in three modalities.

    Attributes:
        title: what is shown above it.
        png: the engraved strip.
        notehead_x_px: centre of each notehead in the strip.
        note_index: note of each notehead.
        syllables: syllable of each note.
        flac: the clip.
        onset_s: onset of each note in the clip, seconds.
    """

    title: str
    png: bytes
    notehead_x_px: Sequence[float]
    note_index: Sequence[int]
    syllables: Sequence[str]
    flac: bytes
    onset_s: Sequence[float]


def choose(
    windows: Sequence[Mapping],
    path_of: Mapping[str, str],
    fold_of: Mapping[str, str],
    count: int,
) -> list[Mapping]:
    """Choose windows to show: licence-clean scores first, then the test fold, one a song.

    Args:
        windows: rows with window_id and song_id.
        path_of: song -> path of its source file.
        fold_of: window -> fold.
        count: number of windows wanted.

    Returns:
        At most `count` rows.
    """

    def order(window: Mapping) -> tuple[bool, bool, str]:
        path = path_of.get(window["song_id"], "")
        clean = any(name in path for name in LICENCE_CLEAN)
        return not clean, fold_of.get(window["window_id"]) != "test", window["window_id"]

    chosen: list[Mapping] = []
    for one_a_path in (True, False):
        for window in sorted(windows, key=order):
            paths = {path_of.get(other["song_id"], other["song_id"]) for other in chosen}
            new = path_of.get(window["song_id"], window["song_id"]) not in paths
            if len(chosen) < count and window not in chosen and (new or not one_a_path):
                chosen.append(window)
    return sorted(chosen, key=order)


@dataclass(frozen=True)
class _Strip:
    """The inked part of an engraved strip: pixels, and the column they start at."""

    pixels: np.ndarray
    left: int


def _inked(sample: Sample) -> _Strip:
    from PIL import Image

    with Image.open(io.BytesIO(sample.png)) as opened:
        strip = np.asarray(opened.convert("L"))
    columns = np.flatnonzero(strip.min(axis=0) < 128)
    rows = np.flatnonzero(strip.min(axis=1) < 128)
    if not len(columns):
        return _Strip(strip, 0)
    left, top = max(int(columns[0]) - 4, 0), max(int(rows[0]) - 4, 0)
    return _Strip(strip[top : rows[-1] + 5, left : columns[-1] + 5], left)


_FIRST_LINE_PX = 17
_LINE_PX = 14
_BELOW_LYRICS_PX = 4
_LYRICS_PT = 6.5
_SPECTROGRAM_IN = 0.95


def draw(figure: Figure, samples: Sequence[Sample]) -> None:
    """Draw the samples one below the other: strip with lyrics, then spectrogram.

    All strips have one scale; the height of the figure is set to fit them.

    Args:
        figure: an empty figure.
        samples: what to show, at least one.
    """
    strips = [_inked(sample) for sample in samples]
    width_px = max(strip.pixels.shape[1] for strip in strips)
    inches_per_px = 0.93 * figure.get_figwidth() / width_px
    syllables = [
        _placed(sample, strip, inches_per_px) for sample, strip in zip(samples, strips, strict=True)
    ]
    heights = []
    for strip, placed in zip(strips, syllables, strict=True):
        heights += [_height_px(strip, placed) * inches_per_px, _SPECTROGRAM_IN]
    figure.set_figheight(sum(heights) + 0.5 * len(samples) + 0.3)
    panels = figure.subplots(2 * len(samples), 1, height_ratios=heights, squeeze=False)[:, 0]
    rows = zip(samples, strips, syllables, strict=True)
    for number, (sample, strip, placed) in enumerate(rows):
        _sheet(panels[2 * number], strip, placed, width_px)
        panels[2 * number].set_title(sample.title)
        _spectrogram(panels[2 * number + 1], sample)
    panels[-1].set_xlabel("time, seconds")


def lyric_lines(x: Sequence[float], widths: Sequence[float]) -> list[int]:
    """Return the line of each syllable, so that none runs into another.

    Args:
        x: centres, ascending.
        widths: widths in the same unit, with the space wanted between two syllables.

    Returns:
        Number of the line from the top, from 0: the first one with room, as many as it takes.
    """
    ends: list[float] = []
    lines = []
    for centre, width in zip(x, widths, strict=True):
        start = centre - width / 2
        line = next((n for n, end in enumerate(ends) if start >= end), len(ends))
        ends[line : line + 1] = [centre + width / 2]
        lines.append(line)
    return lines


@dataclass(frozen=True)
class _Syllable:
    """A syllable under a strip: its text, its centre in pixels and its line from the top."""

    text: str
    x: float
    line: int


def _placed(sample: Sample, strip: _Strip, inches_per_px: float) -> list[_Syllable]:
    # A tied note has several heads: its syllable stands below the first.
    places: dict[int, float] = {}
    for note, x in zip(sample.note_index, sample.notehead_x_px, strict=True):
        places.setdefault(note, x - strip.left)
    texts = [sample.syllables[note] for note in places]
    letter_px = 0.54 * _LYRICS_PT / 72 / inches_per_px
    lines = lyric_lines(list(places.values()), [letter_px * (len(text) + 1) for text in texts])
    return [_Syllable(*row) for row in zip(texts, places.values(), lines, strict=True)]


def _height_px(strip: _Strip, syllables: Sequence[_Syllable]) -> int:
    last = max((syllable.line for syllable in syllables), default=0)
    return strip.pixels.shape[0] + _FIRST_LINE_PX + last * _LINE_PX + _BELOW_LYRICS_PX


def _sheet(axes: Axes, strip: _Strip, syllables: Sequence[_Syllable], width_px: int) -> None:
    axes.imshow(strip.pixels, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.set_xlim(0, width_px)
    axes.set_ylim(_height_px(strip, syllables), 0)
    for syllable in syllables:
        axes.text(
            syllable.x,
            strip.pixels.shape[0] + _FIRST_LINE_PX + syllable.line * _LINE_PX,
            syllable.text,
            ha="center",
            va="baseline",
            fontsize=_LYRICS_PT,
            family="DejaVu Serif",
            color=INK,
        )
    axes.axis("off")


def _spectrogram(axes: Axes, sample: Sample) -> None:
    import librosa
    import soundfile

    signal, rate = soundfile.read(io.BytesIO(sample.flac), dtype="float32")
    hop = 256
    power = librosa.feature.melspectrogram(
        y=signal, sr=rate, n_fft=2048, hop_length=hop, n_mels=96, fmin=60, fmax=6000
    )
    decibels = librosa.power_to_db(power, ref=np.max, top_db=60)
    seconds = len(signal) / rate
    axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, seconds, 0, decibels.shape[0]),
        interpolation="bilinear",
    )
    frequencies = librosa.mel_frequencies(n_mels=96, fmin=60, fmax=6000)
    marks = [250, 1000, 4000]
    axes.set_yticks([float(np.interp(mark, frequencies, np.arange(96))) for mark in marks])
    axes.set_yticklabels(["250 Hz", "1 kHz", "4 kHz"])
    axes.plot(
        sample.onset_s,
        np.full(len(sample.onset_s), 1.5),
        "|",
        color="white",
        ms=5,
        mew=0.8,
        alpha=0.9,
    )
    axes.set_xlim(0, seconds)
    axes.tick_params(length=2, color=MUTED, labelsize=7)
    for spine in axes.spines.values():
        spine.set_color(FAINT)
