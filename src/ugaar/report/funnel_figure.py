"""What was kept and what was lost, from files to the folds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from ugaar.report.style import BLUE, INK, MUTED, ORANGE
from ugaar.score.funnel import KEPT
from ugaar.score.split import FOLDS

STEPS = ("files", "songs", "windows", "rendered")
_FOLD_COLOURS = ("#0072B2", "#56B4E9", "#009E73")
_REASONS_SHOWN = 3


def steps_of(rows: Sequence[Mapping]) -> dict[str, dict[str, int]]:
    """Return the counts of each step: step -> reason -> count, `kept` among the reasons."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[row["step"]][row["reason"]] = found[row["step"]].get(row["reason"], 0) + row["count"]
    return dict(found)


def losses_text(counts: Mapping[str, int]) -> str:
    """Return the reasons of loss, the largest first, such as `no-lyrics 4, unreadable 1`."""
    lost = sorted(
        ((count, reason) for reason, count in counts.items() if reason != KEPT and count),
        key=lambda pair: (-pair[0], pair[1]),
    )
    if not lost:
        return "nothing lost"
    shown = [f"{reason.replace('-', ' ')} {count:,}" for count, reason in lost[:_REASONS_SHOWN]]
    rest = sum(count for count, _ in lost[_REASONS_SHOWN:])
    return "lost: " + ", ".join([*shown, *([f"other {rest:,}"] if rest else [])])


def draw(figure: Figure, rows: Sequence[Mapping]) -> None:
    """Draw one bar a step, as shares of what came in, and one bar of the folds.

    Args:
        figure: an empty figure.
        rows: rows of the funnel table.
    """
    found = steps_of(rows)
    steps = [step for step in STEPS if step in found]
    steps += [step for step in found if step not in (*STEPS, *FOLDS)]
    panel = figure.subplots()
    for position, step in enumerate(steps):
        counts = found[step]
        kept, total = counts.get(KEPT, 0), sum(counts.values())
        share = kept / total if total else 0.0
        panel.barh(position, share, height=0.5, color=BLUE)
        panel.barh(position, 1 - share, left=share, height=0.5, color=ORANGE, alpha=0.75)
        panel.text(-0.012, position, step, ha="right", va="center", weight="bold")
        text = f"{kept:,} of {total:,} kept"
        panel.text(0.012, position, text, color="white", va="center", weight="bold")
        panel.text(0, position + 0.29, losses_text(counts), va="top", color=MUTED, fontsize=8)
    folds = [fold for fold in FOLDS if fold in found]
    total = sum(found[fold].get(KEPT, 0) for fold in folds)
    left, position = 0.0, len(steps)
    for fold, colour in zip(FOLDS, _FOLD_COLOURS, strict=True):
        if fold not in folds or not total:
            continue
        count = found[fold].get(KEPT, 0)
        share = count / total
        panel.barh(position, share, left=left, height=0.5, color=colour, ec="white", lw=1.2)
        panel.text(
            left + share / 2,
            position,
            f"{fold} {count:,}",
            ha="center",
            va="center",
            color="white" if colour != "#56B4E9" else INK,
            weight="bold",
            fontsize=8,
        )
        left += share
    if total:
        panel.text(-0.012, position, "folds", ha="right", va="center", weight="bold")
        note = f"{total:,} windows"
        panel.text(0, position + 0.29, note, va="top", color=MUTED, fontsize=8)
    panel.set_xlim(0, 1)
    panel.set_ylim(position + 0.7, -0.4)
    panel.axis("off")
