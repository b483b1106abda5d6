"""The figures of a page of the newer tasks: copied from the run, or drawn from what is there."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ugaar.errors import DataError
from ugaar.report.results_page_figures import shrunk
from ugaar.report.results_page_run import Run
from ugaar.report.results_page_systems_run import SystemsRun

DRAWN_HERE = "learning"
"""The one figure that is drawn while trainings go on, too."""


class Pictures:
    """Links figures of one run into its page and keeps their bytes for the folder of its name.

    Args:
        run: the run, whose figures go to a folder of its name beside the page.
    """

    def __init__(self, run: Run) -> None:
        self.wanted: dict[str, bytes] = {}
        self._run = run

    def picture(self, name: str, text: str) -> str:
        """Return a link to a figure of the run.

        Args:
            name: its path below the run's figures/, without the suffix.
            text: what it shows, for readers who do not see it.

        Raises:
            DataError: the run has no such figure.
        """
        path = self._run.folder / "figures" / f"{name}.png"
        if not path.is_file():
            raise DataError(f"{path}: missing; finish the run with snakemake")
        return self._link(name, text, path.read_bytes())

    def learning_picture(self, run: SystemsRun, text: str) -> str:
        """Return a link to the learning curves: the run's own, or those of what was trained so far.

        Raises:
            DataError: no training has been validated yet.
        """
        if not run.unfinished and (run.folder / f"figures/{DRAWN_HERE}.png").is_file():
            return self.picture(DRAWN_HERE, text)
        return self._link(DRAWN_HERE, text, _learning_png(run))

    def _link(self, name: str, text: str, content: bytes) -> str:
        target = f"{self._run.name}/{name.replace('/', '-')}.png"
        self.wanted[target] = shrunk(content, target)
        return f"![{text}]({target})"


def _learning_png(run: SystemsRun) -> bytes:
    from ugaar.report.style import new_figure
    from ugaar.report.system_training_figures import (
        draw_learning,
        learning_curves,
        learning_height_in,
    )

    losses, ranks = learning_curves(row for one in run.trainings for row in one.rows)
    systems: Sequence[str] = [name for name in run.systems if name in losses or name in ranks]
    if not systems:
        raise DataError(f"{run.folder / 'checkpoints'}: no training has been validated yet")
    buffer = io.BytesIO()
    with new_figure(learning_height_in(len(systems))) as figure:
        draw_learning(figure, losses, ranks, systems)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
