"""What the numbers of an audio-sheet run say, in sentences by rule: no claim is typed."""

from __future__ import annotations

from itertools import pairwise

from ugaar.errors import DataError
from ugaar.evaluate import published_systems as published
from ugaar.evaluate.paper_tables import Cell, direction_label
from ugaar.evaluate.system_ranking import AUDIO_TO_SHEET
from ugaar.evaluate.system_results import SystemResults, system_label
from ugaar.evaluate.system_summary import CHANCE
from ugaar.report.results_page_systems import TWIN_CEILING
from ugaar.report.results_page_systems_run import SystemsRun
from ugaar.report.results_page_words import bounds, number

_ATTENTION = "-at"


def beside_published(run: SystemsRun) -> str:
    """Return where R@1 of each system lies beside its published row, a line each."""
    rows = [(system, values, published.DCCA_GALLERY) for system, values in published.DCCA.items()]
    rows += [
        (system, values, published.CCA_LAYER_GALLERY)
        for system, values in published.CCA_LAYER.items()
    ]
    lines = []
    for system, directions, size in rows:
        for direction, values in directions.items():
            cell = run.results.cell(system, direction, "R@1")
            if cell is not None:
                lines.append(
                    f"- {system_label(system)}, {direction_label(direction)}: R@1 "
                    f"{_with_bounds(cell)} % among {run.results.main_size:,}, published "
                    f"{values['R@1']:.2f} % among {size:,}: {placed(cell, values['R@1'])}."
                )
    if not lines:
        raise DataError("no system of this run has a published row")
    return "\n".join(lines)


def placed(cell: Cell, value: float) -> str:
    """Return where a published value lies beside our interval."""
    if cell.low is None or cell.high is None:
        return "no interval"
    if cell.low > value:
        return "ours is above, the whole interval"
    if cell.high < value:
        return "ours is below, the whole interval"
    return "the interval holds the published value"


def order_by_recall(run: SystemsRun) -> str:
    """Return the systems in falling order of R@1 from audio to sheet, and the best beside bounds.

    Neighbours are joined by `>` where their intervals are apart, by `~` where they overlap.
    """
    results = run.results
    cells = [(system, _cell(results, system)) for system in results.systems]
    found = sorted(
        ((system, cell) for system, cell in cells if cell is not None),
        key=lambda pair: -pair[1].value,
    )
    if not found:
        raise DataError(f"{run.folder / 'system_metrics.parquet'}: no R@1 of a system")
    text = system_label(found[0][0])
    for (_, above), (system, cell) in pairwise(found):
        text += f" {'>' if _apart(above, cell) else '~'} {system_label(system)}"
    order = f"By R@1 from audio to sheet: {text}. " if len(found) > 1 else ""
    name, best = system_label(found[0][0]), found[0][1]
    facts = [f"{order}{name} has {number(best)} %"]
    chance = results.cell(CHANCE, AUDIO_TO_SHEET, "R@1")
    if chance is not None and chance.value > 0:
        facts.append(f"{best.value / chance.value:,.0f} times chance")
    ceiling = results.cell(TWIN_CEILING, AUDIO_TO_SHEET, "R@1")
    if ceiling is not None and ceiling.value > 0:
        share = 100 * best.value / ceiling.value
        facts.append(f"{share:.0f} % of the ceiling that twins leave ({number(ceiling)} %)")
    return ", ".join(facts) + "."


def attention_gains(run: SystemsRun) -> str:
    """Return what attention adds to each network that is there with and without it."""
    gains, lines = {}, []
    for system in run.results.systems:
        if not system.endswith(_ATTENTION):
            continue
        plain = system.removesuffix(_ATTENTION)
        one, other = _cell(run.results, system), _cell(run.results, plain)
        if one is None or other is None:
            continue
        gains[plain] = one.value - other.value
        theirs = _published_gain(plain)
        context = "" if theirs is None else f" (published {_signed(theirs)})"
        verdict = "are apart" if _apart(one, other) or _apart(other, one) else "overlap"
        lines.append(
            f"- {system_label(system)} minus {system_label(plain)}: {_signed(gains[plain])} points "
            f"of R@1 from audio to sheet{context}; the intervals {verdict}."
        )
    if not lines:
        raise DataError("no system of this run is there with attention and without it")
    largest = max(gains, key=lambda name: gains[name])
    theirs_of = {name: _published_gain(name) for name in gains}
    known = {name: gain for name, gain in theirs_of.items() if gain is not None}
    if len(known) > 1:
        expected = max(known, key=lambda name: known[name])
        same = "as published" if largest == expected else f"published: on {system_label(expected)}"
        lines += ["", f"Attention adds most on {system_label(largest)}; {same}."]
    return "\n".join(lines)


def weakest_conditions(run: SystemsRun) -> str:
    """Return the condition that costs each system most R@1, and the one that costs it least."""
    results, lines = run.results, []
    for system in results.systems:
        drops = {}
        for condition in results.conditions:
            change = results.drop(system, condition, AUDIO_TO_SHEET, "R@1")
            if change is not None and condition != results.main:
                drops[condition] = change
        if not drops:
            continue
        worst = min(drops, key=lambda name: drops[name].value)
        best = max(drops, key=lambda name: drops[name].value)
        lines.append(
            f"- {system_label(system)}: most under {worst} ({number(drops[worst])} points), least "
            f"under {best} ({number(drops[best])})."
        )
    if not lines:
        raise DataError("no condition but the main one was tested")
    return "\n".join(lines)


def _cell(results: SystemResults, system: str) -> Cell | None:
    return results.cell(system, AUDIO_TO_SHEET, "R@1")


def _apart(above: Cell, below: Cell) -> bool:
    """Return whether the whole interval of one lies above that of the other."""
    return above.low is not None and below.high is not None and above.low > below.high


def _published_gain(plain: str) -> float | None:
    rows = [published.CCA_LAYER.get(name) for name in (plain + _ATTENTION, plain)]
    if None in rows:
        return None
    one, other = (row[AUDIO_TO_SHEET]["R@1"] for row in rows if row is not None)
    return one - other


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _with_bounds(cell: Cell) -> str:
    return f"{number(cell)} {bounds(cell)}".rstrip()
