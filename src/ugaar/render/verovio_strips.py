"""Strips by Verovio, drawn by matplotlib's Agg: one process for all windows of a shard."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import ConfigError, ToolError
from ugaar.render import external, verovio_worker
from ugaar.render.batch import Failure, StoppedError, run_isolated
from ugaar.render.layout import Layout
from ugaar.render.notation import Notation, notation, system
from ugaar.render.strip import beyond_strip, sheet_row
from ugaar.render.timeline import NotationError
from ugaar.render.verovio_drawing import DrawingError, read
from ugaar.render.verovio_mei import HEAD_ID, mei
from ugaar.render.verovio_pixels import draw

VEROVIO = external.Program(
    sys.executable, "Verovio", "install it (pip install -r envs/requirements-verovio.txt)"
)

WORKER = Path(verovio_worker.__file__).resolve()

HEAD_TOLERANCE = 0.25
"""A head this far from its staff position, in half staff spaces, is not the note we wrote. Outlines
of heads are not quite symmetrical."""

PROBE = {
    "pitch": [60],
    "onset_tick": [0],
    "duration_tick": [10080],
    "bar_tick": [],
    "meter_tick": [],
    "meter": [],
    "key_fifths": None,
}


@dataclass(frozen=True)
class Strip:
    """A drawn window.

    Attributes:
        image: pixels (height, width), 255 = white.
        head_x_px: centre of each head, in the order of `Notation.heads`.
    """

    image: NDArray[np.uint8]
    head_x_px: tuple[float, ...]


def versions() -> dict[str, str]:
    """Return the versions of Verovio and of matplotlib, whose Agg draws.

    Raises:
        ConfigError: Verovio is not installed.
    """
    try:
        engraver = importlib.metadata.version("verovio")
    except importlib.metadata.PackageNotFoundError as error:
        raise ConfigError(
            "sheet.renderer verovio: the Python package verovio is not installed; "
            "pip install -r envs/requirements-verovio.txt, or set sheet.renderer to lilypond"
        ) from error
    return {
        "engraver": f"Verovio {engraver}",
        "rasteriser": f"Agg of matplotlib {importlib.metadata.version('matplotlib')}",
    }


def render(
    rows: Sequence[dict], layout: Layout, folder: Path, stall_s: float
) -> Iterator[tuple[dict, dict | Failure]]:
    """Engrave windows; see `SheetRenderer`. Windows that cannot be written come first."""
    written: list[tuple[dict, Notation]] = []
    for row in rows:
        try:
            plan = _single_staff(row, layout)
        except NotationError as error:
            yield row, Failure(error.reason, str(error))
            continue
        failure = beyond_strip(plan.staff_positions(), layout)
        if failure:
            yield row, failure
        else:
            written.append((row, plan))
    for (row, plan), result in run_isolated(
        written,
        lambda part: engrave([plan for _, plan in part], layout, folder, stall_s),
        lambda: probe(layout, folder, stall_s),
        "verovio-failed",
    ):
        if isinstance(result, Failure):
            yield row, result
        else:
            notes = [note for _, note in plan.heads()]
            yield row, sheet_row(row["sheet_key"], result.image, notes, result.head_x_px, layout)


def _single_staff(row: dict, layout: Layout) -> Notation:
    plans = system(row, layout)
    if len(plans) > 1:
        raise NotationError(
            "several-staves",
            f"{len(plans)} staves, but strips by Verovio have one: set sheet.renderer to lilypond, "
            "or pieces.parts to melody",
        )
    return plans[0]


def engrave(
    plans: Sequence[Notation],
    layout: Layout,
    folder: Path,
    stall_s: float,
    program: external.Program = VEROVIO,
) -> Iterator[Strip | Failure]:
    """Engrave windows in order with one process, yielding each as soon as it is done.

    Args:
        plans: what is to be written.
        layout: size of the strip.
        folder: working folder.
        stall_s: the process is stopped when it finishes no window for so long, seconds.
        program: a Python that has Verovio.

    Yields:
        What became of each window, in order.

    Raises:
        StoppedError: the process ended or hung before the next window was done.
    """
    # Without the worker's own folder on the search path: module names there are not the library's.
    arguments = ["-P", str(WORKER)]
    with external.start(program, arguments, folder=folder, stall_s=stall_s, piped=True) as process:
        for number, plan in enumerate(plans):
            if number == 0:
                _ask(process, plan)
            answer = _answer(process)
            # The next window is laid out while this one is drawn.
            if number + 1 < len(plans):
                _ask(process, plans[number + 1])
            yield _drawn(answer, plan, layout)


def probe(
    layout: Layout, folder: Path, stall_s: float, program: external.Program = VEROVIO
) -> None:
    """Engrave one middle C.

    Raises:
        ToolError: not even that works, so the fault is not in a window.
    """
    try:
        for result in engrave([notation(PROBE, layout)], layout, folder, stall_s, program):
            if isinstance(result, Failure):
                raise StoppedError(result.detail)
    except StoppedError as stop:
        raise ToolError(
            f"{program.name} cannot engrave a single note: {stop}; {program.remedy}"
        ) from stop


def _ask(process: external.Running, plan: Notation) -> None:
    process.progressed()
    process.write(verovio_worker.frame(mei(plan).encode("ascii")))


def _answer(process: external.Running) -> bytes:
    head = process.read(verovio_worker.LENGTH.size)
    if len(head) == verovio_worker.LENGTH.size:
        (length,) = verovio_worker.LENGTH.unpack(head)
        answer = process.read(length)
        if len(answer) == length:
            return answer
    process.wait()
    raise StoppedError(process.complaint())


def _drawn(answer: bytes, plan: Notation, layout: Layout) -> Strip | Failure:
    kind, content = answer[:1], answer[1:]
    if kind != verovio_worker.DRAWN:
        return Failure("verovio-error", content.decode("utf-8", "replace").strip())
    try:
        drawing = read(content)
    except (DrawingError, ParseError) as error:
        return Failure("verovio-error", f"Verovio's drawing holds {error}")
    names = [f"{HEAD_ID}{number}" for number in range(len(plan.heads()))]
    positions = [
        (drawing.middle_y - drawing.heads[name][1]) / (drawing.staff_space / 2)
        for name in names
        if name in drawing.heads
    ]
    if len(positions) != len(names) or len(drawing.heads) != len(names):
        return Failure(
            "heads-differ", f"{len(drawing.heads)} noteheads engraved, {len(names)} written"
        )
    if not np.allclose(positions, plan.staff_positions(), rtol=0, atol=HEAD_TOLERANCE):
        return Failure("heads-differ", "noteheads engraved on other lines than written")
    scale = layout.pixels_per_space / drawing.staff_space
    return Strip(
        draw(drawing, layout),
        tuple(layout.margin_px + (drawing.heads[name][0] - drawing.left) * scale for name in names),
    )
