"""Numbers for the prose of the results page, by name: run, split, method, direction and metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ugaar.errors import ConfigError, DataError
from ugaar.evaluate.paper_tables import METHOD_LABELS, Cell, Results
from ugaar.evaluate.summary import CHANCE, COMPARED, MEAN
from ugaar.report.results_page_run import Run
from ugaar.report.results_page_splits import leakage_rows
from ugaar.report.results_page_words import (
    beside_chance,
    bounds,
    difference_cell,
    holds_zero,
    interval_in_words,
    number,
    sign,
)
from ugaar.score.funnel import KEPT
from ugaar.tables import DIRECTIONS

NOT_MEASURED = "not measured"

LADDER = (("baseline-gan", "baseline"), ("ugaar", "baseline-gan"))
"""The steps of the paper's ladder: each method and the one it should be better than."""


class Numbers:
    """Looks numbers up in the tables of runs; what was not measured is said to be so.

    A method, direction or metric that no run can have is an error: a slip in the template.

    Args:
        runs: finished runs.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = {run.name: run for run in runs}

    def run(self, name: str) -> Run | None:
        """Return the run of a dataset, or None where it is not on the page."""
        return self._runs.get(name)

    def setting(self, run: Run | str, key: str) -> object:
        """Return a setting of a run by its dotted key; None where it is unknown."""
        found = self._find(run)
        try:
            value: Any = found.config if found else {}
        except DataError:
            return None
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def exists(self, run: Run | str, name: str) -> bool:
        """Return whether a run is on the page and has a file of this name, below its folder."""
        found = self._find(run)
        return found is not None and (found.folder / name).is_file()

    def count(self, run: Run | str, step: str, reason: str = KEPT, split: str = "") -> str:
        """Return a count of the funnel; `split` is needed for folds only."""
        found = self._find(run)
        if found is None:
            return NOT_MEASURED
        try:
            rows = found.funnel(split or found.protocols[0])
        except DataError:
            return NOT_MEASURED
        counts = {(row["step"], row["reason"]): row["count"] for row in rows}
        if step not in {name for name, _ in counts}:
            return NOT_MEASURED
        return f"{counts.get((step, reason), 0):,}"

    def value(
        self,
        run: Run | str,
        split: str,
        method: str,
        direction: str,
        metric: str,
        gallery: int | None = None,
    ) -> str:
        """Return a value, mean over seeds; `gallery` is its size, None for the whole fold."""
        cell = self._cell(run, split, method, direction, metric, gallery)
        return number(cell) if cell else NOT_MEASURED

    def interval(
        self,
        run: Run | str,
        split: str,
        method: str,
        direction: str,
        metric: str,
        gallery: int | None = None,
    ) -> str:
        """Return a value with its interval."""
        cell = self._cell(run, split, method, direction, metric, gallery)
        return f"{number(cell)} {bounds(cell)}".strip() if cell else NOT_MEASURED

    def amount(
        self,
        run: Run | str,
        split: str,
        method: str,
        direction: str,
        metric: str,
        gallery: int | None = None,
    ) -> float | None:
        """Return a value as a number to compare in a condition, or None."""
        cell = self._cell(run, split, method, direction, metric, gallery)
        return cell.value if cell else None

    def against_chance(
        self, run: Run | str, split: str, method: str, direction: str, metric: str
    ) -> str:
        """Return where the interval of a value lies beside exact chance, in words."""
        ours = self._cell(run, split, method, direction, metric, None)
        exact = self._cell(run, split, CHANCE, direction, metric, None)
        return beside_chance(ours, exact) if ours and exact else NOT_MEASURED

    def difference(
        self,
        run: Run | str,
        split: str,
        method: str,
        reference: str,
        metric: str,
        direction: str = MEAN,
    ) -> str:
        """Return method minus reference with its interval."""
        row = self._comparison(run, split, method, reference, metric, direction)
        if row is None:
            return NOT_MEASURED
        cell = difference_cell(row)
        return f"{number(cell)} {bounds(cell)}"

    def verdict(
        self,
        run: Run | str,
        split: str,
        method: str,
        reference: str,
        metric: str,
        direction: str = MEAN,
    ) -> str:
        """Return what the interval of a difference says, in words."""
        row = self._comparison(run, split, method, reference, metric, direction)
        if row is None:
            return NOT_MEASURED
        labels = (METHOD_LABELS.get(method, method), METHOD_LABELS.get(reference, reference))
        return interval_in_words(metric, row["ci_low"], row["ci_high"], *labels)

    def ladder(self, run: Run | str, split: str, metric: str) -> int | None:
        """Return how many of the two steps of the ladder lie above 0 with their intervals.

        Both steps are the mean over six directions; None where one of them was not compared.
        """
        rows = [self._comparison(run, split, *step, metric, MEAN) for step in LADDER]
        signs = [sign(metric, row["ci_low"], row["ci_high"]) for row in rows if row is not None]
        return signs.count(1) if len(signs) == len(LADDER) else None

    def leak(
        self,
        run: Run | str,
        method: str,
        direction: str,
        metric: str = "R@1",
        gallery: int | None = None,
    ) -> str:
        """Return a value under both protocols and their difference with its interval."""
        self._check(method, direction, metric)
        found = self._find(run)
        try:
            rows = leakage_rows(found, gallery, metric) if found else []
        except DataError:
            rows = []
        for row in rows:
            if (row["method"], row["direction"]) == (method, direction):
                cell = difference_cell(row)
                ours, theirs = (
                    number(Cell(metric, row[name])) for name in ("song_disjoint", "published")
                )
                zero = ", which holds 0" if holds_zero(row["ci_low"], row["ci_high"]) else ""
                return f"{ours} → {theirs}, a difference of {number(cell)} {bounds(cell)}{zero}"
        return NOT_MEASURED

    def _find(self, run: Run | str) -> Run | None:
        return self._runs.get(run) if isinstance(run, str) else run

    def _cell(
        self,
        run: Run | str,
        split: str,
        method: str,
        direction: str,
        metric: str,
        gallery: int | None,
    ) -> Cell | None:
        self._check(method, direction, metric)
        found = self._find(run)
        if found is None:
            return None
        try:
            results = Results(found.metrics(split), gallery)
        except DataError:
            return None
        protocols = dict.fromkeys(protocol for protocol, _ in results.lines)
        cells = (results.cell(protocol, method, direction, metric) for protocol in protocols)
        return next((cell for cell in cells if cell is not None), None)

    def _comparison(
        self, run: Run | str, split: str, method: str, reference: str, metric: str, direction: str
    ) -> Mapping[str, Any] | None:
        self._check(method, direction, metric)
        self._check(reference, direction, metric)
        found = self._find(run)
        if found is None:
            return None
        try:
            rows = found.comparisons(split)
        except DataError:
            return None
        wanted = (method, reference, metric, direction)
        names = ("method", "reference", "metric", "direction")
        return next((row for row in rows if tuple(row[name] for name in names) == wanted), None)

    def _check(self, method: str, direction: str, metric: str) -> None:
        measured = [method for run in self._runs.values() for method in run.methods]
        for what, name, known in (
            ("method", method, [*METHOD_LABELS, *measured]),
            ("direction", direction, [*DIRECTIONS, MEAN]),
            ("metric", metric, [*COMPARED, "R@5", "MedR", "MeanR"]),
        ):
            if name not in known:
                raise ConfigError(
                    f"template: no {what} {name!r}; known: {', '.join(dict.fromkeys(known))}"
                )
