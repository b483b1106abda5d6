"""Strips by LilyPond and by Verovio, each as its stage makes them, on the same windows.

    PYTHONPATH=src python benchmarks/render_engravers.py [--windows FILE] [--strips N] [--rounds N]

Both engravers work in turns in the same run, so that other work on the machine meets both, and
both in one batch with notehead positions and PNG encoding. Wall-clock and processor time are
given: Verovio's own process and the drawing overlap where there are two cores. `--parts` prints
besides what each step of Verovio's way takes; `--svg` what SVG libraries that are installed take
to draw the same strips (pip install resvg-py cairosvg).
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import re
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from sample_windows import add_arguments, compare, sample
from ugaar.render import (
    lilypond_strips,
    verovio_drawing,
    verovio_mei,
    verovio_pixels,
    verovio_strips,
)
from ugaar.render.batch import Failure
from ugaar.render.external import workspace
from ugaar.render.layout import Layout
from ugaar.render.notation import notation
from ugaar.render.sheet_renderer import load_renderer
from ugaar.render.strip import png
from ugaar.render.timeline import NotationError
from ugaar.render.verovio_worker import OPTIONS

LAYOUT = Layout(160, 101.0, 100)
STALL_S = 300.0


def strips(name: str, rows: Sequence[dict]) -> None:
    """Engrave all windows as the stage does with one engraver."""
    with workspace() as folder:
        for row, result in load_renderer(name).render(rows, LAYOUT, folder, STALL_S):
            if isinstance(result, Failure):
                raise SystemExit(f"{row['window_id']}: {result.reason}: {result.detail}")


def notatable(rows: Sequence[dict]) -> list[dict]:
    """Return the windows that can be written down at all: the same for both engravers."""
    found = []
    for row in rows:
        try:
            notation(row, LAYOUT)
        except NotationError:
            continue
        found.append(row)
    return found


def timed(name: str, items: Sequence, step: Callable) -> list:
    """Apply a step to all items and print its processor time an item."""
    before = time.process_time()
    results = [step(item) for item in items]
    print(
        f"{name}: {(time.process_time() - before) / len(items) * 1000:.2f} ms a strip", flush=True
    )
    return results


def parts(rows: Sequence[dict]) -> list[bytes]:
    """Print what each step takes, in this process; return Verovio's drawings."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(OPTIONS)

    def engraved(text: str) -> bytes:
        toolkit.loadData(text)
        return toolkit.renderToSVG(1).encode()

    plans = timed("notation", rows, notation)
    texts = timed("MEI", plans, verovio_mei.mei)
    svgs = timed("Verovio", texts, engraved)
    drawings = timed("reading the drawing", svgs, verovio_drawing.read)
    images = timed("drawing with Agg", drawings, lambda one: verovio_pixels.draw(one, LAYOUT))
    timed("PNG", images, png)
    return svgs


def own_size(svg: bytes) -> str:
    """Return a drawing at the strip's scale and height, white below it, as an SVG library needs."""
    drawing = verovio_drawing.read(svg)
    scale = LAYOUT.pixels_per_space / drawing.staff_space
    width = round(2 * LAYOUT.margin_px + (drawing.right - drawing.left) * scale)
    shift = f"{LAYOUT.margin_px} {LAYOUT.height_px / 2 - drawing.middle_y * scale:.4f}"
    body = svg.decode()
    body = re.sub(r"<style.*?</style>", "", body[body.index("<defs>") :], flags=re.DOTALL)
    group = f'<g transform="translate({shift}) scale({scale:.7f})">'
    body = re.sub(r'<svg class="definition-scale"[^>]*>', group, body)
    body = re.sub(r"<g [^>]*placeholder[^>]*>.*?</g>", "", body)
    body = body.replace("</svg></svg>", "</g></svg>")
    body = body.replace("stroke-width=", 'stroke="#000" stroke-width=')
    size = f'width="{width}" height="{LAYOUT.height_px}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}'


def libraries(svgs: Sequence[bytes]) -> None:
    """Print what SVG libraries take, with decoding to grey, and how far they are from Agg."""
    sized = [own_size(svg) for svg in svgs]
    ours = [verovio_pixels.draw(verovio_drawing.read(svg), LAYOUT) for svg in svgs]
    ways: dict[str, Callable[[str], bytes]] = {}
    if importlib.util.find_spec("resvg_py"):
        import resvg_py

        ways["resvg-py"] = lambda svg: resvg_py.svg_to_bytes(
            svg_string=svg, background="white", skip_system_fonts=True
        )
    if importlib.util.find_spec("cairosvg"):
        import cairosvg

        ways["cairosvg"] = lambda svg: cairosvg.svg2png(
            bytestring=svg.encode(), background_color="white"
        )
    for name, way in ways.items():
        images = timed(
            name,
            sized,
            lambda svg, way=way: np.asarray(Image.open(io.BytesIO(way(svg))).convert("L")),
        )
        differences = []
        for image, own in zip(images, ours, strict=True):
            width = min(image.shape[1], own.shape[1])
            differences.append(np.abs(image[:, :width].astype(int) - own[:, :width]).mean())
        print(f"{name}: mean difference from Agg {np.mean(differences):.2f} of 255")


def main() -> None:
    """Time both engravers and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser, "strips")
    parser.add_argument("--parts", action="store_true", help="time the steps of Verovio's way")
    parser.add_argument(
        "--svg", action="store_true", help="time SVG libraries on the same drawings"
    )
    arguments = parser.parse_args()
    rows = notatable(sample(arguments.windows, arguments.strips, "sheet_key"))
    for module in (lilypond_strips, verovio_strips):
        print(", ".join(module.versions().values()))
    compare(
        lambda: strips("lilypond", rows),
        lambda: strips("verovio", rows),
        len(rows),
        arguments.rounds,
        ("LilyPond", "Verovio"),
    )
    if arguments.parts or arguments.svg:
        svgs = parts(rows)
        if arguments.svg:
            libraries(svgs)


if __name__ == "__main__":
    main()
