"""Example queries of an audio-sheet system with their top answers, as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ugaar.evaluate.crop_contents import crop_at
from ugaar.evaluate.example_queries import Answer, Example
from ugaar.evaluate.paper_tables import direction_label
from ugaar.report.style import FAINT, GREEN, INK, MUTED, VERMILION

SECONDS = 4.0
"""Length of the spectrogram excerpts that are shown."""

TOP = 5
_ROW_IN = 1.2
_DIRECTION_IN = 0.35


@dataclass(frozen=True)
class Pictures:
    """Where the pictures of N snippets are cut from.

    Attributes:
        strips: (columns, 80) uint8, strips at half resolution one after another.
        strip_rows: piece -> first row and number of rows there.
        spectrogram: (frames, bins), spectrograms one after another.
        spectrogram_rows: piece -> first row and number of rows there.
        frames_per_s: frames a second.
        pieces: piece of each snippet.
        x_px: (N,) notehead of each snippet, full-resolution pixels.
        frame: (N,) onset frame of each snippet in its piece.
    """

    strips: np.ndarray
    strip_rows: Mapping[str, tuple[int, int]]
    spectrogram: np.ndarray
    spectrogram_rows: Mapping[str, tuple[int, int]]
    frames_per_s: float
    pieces: Sequence[str]
    x_px: np.ndarray
    frame: np.ndarray

    def sheet(self, row: int) -> np.ndarray:
        """Return the crop of a snippet, (80, 100) uint8, paper = 255."""
        rows = self.strip_rows[self.pieces[row]]
        return crop_at(self.strips, rows, float(self.x_px[row])).T

    def audio(self, row: int) -> np.ndarray:
        """Return the excerpt of a snippet, (bins, frames) float32, its onset in the middle."""
        first, count = self.spectrogram_rows[self.pieces[row]]
        frames = round(SECONDS * self.frames_per_s)
        wanted = int(self.frame[row]) - frames // 2 + np.arange(frames)
        excerpt = np.array(self.spectrogram[first + np.clip(wanted, 0, count - 1)], np.float32)
        excerpt[(wanted < 0) | (wanted >= count)] = 0
        return excerpt.T


def height_in(n_queries: int, n_directions: int) -> float:
    """Return the height of the figure in inches."""
    return _DIRECTION_IN * n_directions + _ROW_IN * n_queries + 0.25


def draw(
    figure: Figure,
    examples: Mapping[str, Sequence[Example]],
    pictures: Pictures,
    names: Sequence[str],
) -> None:
    """Draw a line a query: the query, its top answers, and the right one where it is not there.

    Args:
        figure: an empty figure.
        examples: direction -> examples.
        pictures: where the snippets are cut from.
        names: name of each snippet, such as title and note.
    """
    heights = [0.75 * len(lines) + 0.2 for lines in examples.values()]
    parts = figure.subfigures(len(examples), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, (direction, lines) in zip(parts, examples.items(), strict=True):
        part.suptitle(
            f"{direction_label(direction)}: query, its {TOP} best answers, and the right one",
            x=0.01,
            ha="left",
            fontsize=9.5,
            fontweight="bold",
        )
        query, gallery = direction.split("-to-")
        panels = part.subplots(len(lines), TOP + 2, squeeze=False)
        for row, example in zip(panels, lines, strict=True):
            _picture(row[0], query, pictures, example.row, INK)
            row[0].set_title(_short(names[example.row]), fontsize=6.5, color=INK, fontweight="bold")
            row[0].set_ylabel(example.tercile, fontsize=7, color=MUTED)
            for place, answer in enumerate(example.answers, start=1):
                _picture(row[place], gallery, pictures, answer.row, *_frame(answer))
                row[place].set_title(
                    f"{place}: {answer.score:.2f}", fontsize=6.5, fontweight="normal"
                )
            for empty in row[1 + len(example.answers) :]:
                empty.axis("off")
            last = row[TOP + 1]
            if any(answer.right for answer in example.answers):
                last.text(0.5, 0.5, f"right one\nat rank {example.rank:g}", **_CENTRED)
            else:
                last.axis("on")
                _picture(last, gallery, pictures, example.right.row, GREEN)
                last.set_title(
                    f"rank {example.rank:g}: {example.right.score:.2f}",
                    fontsize=6.5,
                    fontweight="normal",
                )
    figure.supxlabel(
        "number: cosine    green frame: the right answer    dashed green: shows the same notes"
        f"    excerpts of {SECONDS:g} s, onset at the mark",
        fontsize=7,
        color=MUTED,
    )


_CENTRED = {"ha": "center", "va": "center", "fontsize": 7, "color": MUTED}


def _short(name: str, letters: int = 17) -> str:
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def _frame(answer: Answer) -> tuple[str, str]:
    """Return colour and line of an answer's frame."""
    if answer.right:
        return GREEN, "-"
    return (GREEN, "--") if answer.twin else (FAINT, "-")


def _picture(
    axes: Axes, modality: str, pictures: Pictures, row: int, colour: str, line: str = "-"
) -> None:
    if modality == "sheet":
        axes.imshow(pictures.sheet(row), cmap="gray", vmin=0, vmax=255, aspect="auto")
    else:
        excerpt = pictures.audio(row)
        axes.imshow(excerpt, origin="lower", cmap="magma", aspect="auto", interpolation="nearest")
        middle = excerpt.shape[1] // 2
        axes.plot([middle, middle], [0, 0.1 * excerpt.shape[0]], color=VERMILION, lw=1.2)
        axes.set_xlim(-0.5, excerpt.shape[1] - 0.5)
        axes.set_ylim(-0.5, excerpt.shape[0] - 0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linestyle=line)
        spine.set_linewidth(2.2 if colour == GREEN else 0.8)
