"""The metrics of the audio-sheet systems, looked up by what a table's cell stands for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ugaar.evaluate import published_systems as published
from ugaar.evaluate.paper_tables import Cell
from ugaar.evaluate.system_summary import CEILING, CHANCE


class Change(Cell):
    """A difference: its value has a sign, its spread has none."""

    def number(self, value: float | None = None) -> str:
        """Return the difference, or another number of the same kind, with the decimals."""
        shown = super().number(value)
        return shown if value is None or value < 0 else shown.removeprefix("+")


def system_label(system: str) -> str:
    """Return the printed name of a system, of chance or of a ceiling."""
    if system == CHANCE:
        return "Chance"
    if system.startswith(CEILING):
        what = system.removeprefix(CEILING)
        return "Ceiling, equal crops" if what == "crop" else f"Ceiling, twins ± {what} notes"
    return published.LABELS.get(system, system)


class SystemResults:
    """The rows of a system_metrics table by system, condition, direction, sense of right, metric.

    Args:
        rows: rows of the table.
        metadata: its metadata: systems and conditions in order, fold, bootstrap, confidence.
    """

    def __init__(self, rows: Sequence[Mapping], metadata: Mapping[str, str]) -> None:
        self.metadata = metadata
        self.systems: list[str] = json.loads(metadata["systems"])
        self.conditions: list[str] = json.loads(metadata["conditions"])
        self.main = self.conditions[0]
        self._pooled: dict[tuple, Mapping] = {}
        self._seeds: dict[tuple, dict[int, float]] = defaultdict(dict)
        sizes: dict[str, set[int]] = defaultdict(set)
        for row in rows:
            key = (
                row["system"],
                row["condition"],
                row["direction"],
                row["right"],
                row["gallery_size"],
                row["metric"],
            )
            sizes[row["condition"]].add(row["gallery_size"])
            if row["seed"] is None:
                self._pooled[key] = row
            else:
                self._seeds[key][row["seed"]] = row["value"]
        self.main_size = max(sizes[self.main], default=0)
        self.bounds = sorted({key[0] for key in self._pooled} - set(self.systems))
        self.sizes = {condition: max(sizes[condition], default=0) for condition in sizes}

    def row(self, system: str, direction: str, metric: str, right: str = "exact") -> Mapping | None:
        """Return the pooled row under the main condition in the whole gallery, or None."""
        return self._pooled.get((system, self.main, direction, right, self.main_size, metric))

    def cell(self, system: str, direction: str, metric: str, right: str = "exact") -> Cell | None:
        """Return such a row's number, with spread and interval."""
        return _cell(self.row(system, direction, metric, right))

    def labels(self, system: str) -> tuple[str, str, str, str]:
        """Return the printed name, gallery size, pieces and seeds of the main condition."""
        found = [(key, row) for key, row in self._pooled.items() if self._is_main(key, system)]
        if not found:
            return system_label(system), "–", "–", "–"
        key, row = found[0]
        seeds = len(self._seeds.get(key, ()))
        return (
            system_label(system),
            str(row["gallery_size"]),
            str(row["n_pieces"]),
            str(seeds) if seeds else "–",
        )

    def _is_main(self, key: tuple, system: str) -> bool:
        return key[0] == system and key[1] == self.main and key[4] == self.main_size

    def under(self, system: str, condition: str, direction: str, metric: str) -> Cell | None:
        """Return a number under a condition, in the gallery that all conditions share."""
        return _cell(self._pooled.get(self._shared(system, condition, direction, metric)))

    def drop(self, system: str, condition: str, direction: str, metric: str) -> Cell | None:
        """Return what a condition changes from the main one, on equal candidates.

        The value is the mean over seeds of the difference, the spread its standard deviation.
        """
        changed = self._seeds.get(self._shared(system, condition, direction, metric), {})
        usual = self._seeds.get(self._shared(system, self.main, direction, metric), {})
        both = sorted(set(changed) & set(usual))
        if not both:
            return None
        values = np.array([changed[seed] - usual[seed] for seed in both])
        spread = float(values.std(ddof=1)) if len(both) > 1 else None
        return Change(metric, float(values.mean()), spread, signed=True)

    def shared_size(self) -> int:
        """Return the size of the gallery that all conditions share."""
        others = [self.sizes[name] for name in self.conditions[1:] if name in self.sizes]
        return others[0] if others else self.main_size

    def _shared(self, system: str, condition: str, direction: str, metric: str) -> tuple:
        return (system, condition, direction, "exact", self.shared_size(), metric)

    def notes(self) -> Iterator[str]:
        """Yield how the numbers were made, and the ceilings."""
        level = 100 * float(self.metadata["confidence"])
        yield (
            f"Fold {self.metadata['fold']}, condition {self.main}: N = {self.main_size} candidates "
            "spread evenly over its snippets, one right answer each. Value: mean over seeds; ±: "
            f"standard deviation over seeds; brackets: {level:g} % interval of "
            f"{self.metadata['bootstrap']} bootstrap resamples of whole pieces, and of seeds."
        )
        yield (
            "Ties are ranked by expectation over their order; MedR uses mid-ranks. Chance is exact."
        )
        ceilings = [name for name in self.bounds if name.startswith(CEILING)]
        if ceilings:
            yield (
                "Ceiling: the best to be expected of a system that cannot tell snippets apart "
                "whose notes agree from so many onsets before to so many after (twins), or whose "
                "crops of the strip are equal pixel by pixel. One that hears or sees further than "
                "that can exceed it."
            )


def _cell(row: Mapping | None) -> Cell | None:
    if row is None:
        return None
    return Cell(row["metric"], row["value"], row["std"], row["ci_low"], row["ci_high"])
