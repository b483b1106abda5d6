"""What a run was made of and what it cost, as Markdown for the results page."""

from __future__ import annotations

from collections import defaultdict

from ugaar.report.results_page_run import Run, changed_settings
from ugaar.report.results_page_words import grid
from ugaar.report.table_formats import ABSENT
from ugaar.score.funnel import KEPT
from ugaar.score.split import DUPLICATE, FOLDS
from ugaar.settings import Settings

PLACES = (*FOLDS, DUPLICATE)  # where a split can put a window


def settings_list(run: Run, defaults: Settings) -> str:
    """Return the settings of a run that differ from the defaults, a line each."""
    lines = [
        f"- `{key}`: {value} (default: {default})"
        for key, value, default in changed_settings(run.config, defaults)
    ]
    return "\n".join(lines) or "Every setting that results depend on has its default."


def encoder_list(run: Run, split: str) -> str:
    """Return the encoders of a split and what they were set to, a line each."""
    return "\n".join(f"- {note}" for note in run.features(split))


def funnel_table(run: Run, split: str) -> str:
    """Return what was kept and lost, from files to rendered windows."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for row in run.funnel(split):
        counts[row["step"]][row["reason"]] = row["count"]

    def lost(step: str) -> str:
        reasons = counts[step].items()
        return ", ".join(
            f"{count:,} {reason.replace('-', ' ')}" for reason, count in reasons if reason != KEPT
        )

    windows = dict(counts.get("windows", {}))
    silence = windows.pop("silence-over-limit", 0)
    cut = sum(windows.values()) + silence
    lines = []
    for step in (name for name in counts if name not in PLACES):
        if step == "windows":
            lines.append(("windows cut", f"{cut:,}", ""))
            lines.append(("after the silence rule", f"{cut - silence:,}", f"{silence:,} silent"))
            others = ", ".join(
                f"{count:,} {reason.replace('-', ' ')}"
                for reason, count in windows.items()
                if reason != KEPT
            )
            lines.append(("windows kept", f"{windows.get(KEPT, 0):,}", others))
        elif step == "distinct":
            repeated = sum(count for reason, count in counts[step].items() if reason != KEPT)
            text = f"{repeated:,} repeat another one and go on" if repeated else ""
            lines.append(("of them distinct", f"{counts[step][KEPT]:,}", text))
        else:
            lines.append((step, f"{counts[step].get(KEPT, 0):,}", lost(step)))
    return grid(
        ("step", "kept", "lost"),
        ((step, kept, text or ABSENT) for step, kept, text in lines),
        texts=(0, 2),
    )


def folds_table(run: Run) -> str:
    """Return the windows of each fold of every split."""
    lines = []
    for split in run.splits:
        counts = {row["step"]: row["count"] for row in run.funnel(split) if row["step"] in PLACES}
        lines.append((split, *(f"{counts[fold]:,}" if fold in counts else "0" for fold in PLACES)))
    heads = ("split", "train", "valid", "test", "left out (repeats)")
    return grid(heads, lines)


def costs_table(run: Run) -> str:
    """Return the cost of each stage, and windows per processor second."""
    n_windows = run.n_windows()
    costs = run.costs()
    lines = []
    for cost in costs:
        rate = cost.windows_per_second(n_windows)
        lines.append(
            (
                cost.stage + (f", {cost.variant}" if cost.variant else ""),
                str(cost.jobs),
                str(cost.passes),
                f"{cost.cpu_s / 60:.1f}",
                f"{cost.wall_s / 60:.1f}",
                ABSENT if rate is None else f"{rate:,.3g}" if rate < 1000 else f"{rate:,.0f}",
                f"{cost.longest_s:.0f}",
                f"{cost.peak_mb:,.0f}",
            )
        )
    lines.append(
        (
            "**all**",
            str(sum(cost.jobs for cost in costs)),
            "",
            f"{sum(cost.cpu_s for cost in costs) / 60:.1f}",
            f"{sum(cost.wall_s for cost in costs) / 60:.1f}",
            "",
            f"{max(cost.longest_s for cost in costs):.0f}",
            f"{max(cost.peak_mb for cost in costs):,.0f}",
        )
    )
    heads = (
        "stage",
        "jobs",
        "passes",
        "CPU minutes",
        "wall minutes",
        "windows per s and core",
        "longest job, s",
        "largest memory, MB",
    )
    return grid(heads, lines)
