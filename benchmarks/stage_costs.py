"""What each stage of a finished run cost: jobs, wall and processor seconds, largest memory.

Reads the files that `benchmark:` of each rule wrote, those of the splits included:

    python benchmarks/stage_costs.py [results/music21]
"""

from __future__ import annotations

import sys
from pathlib import Path

from ugaar.errors import DataError
from ugaar.report.stage_costs import stage_costs


def main() -> None:
    """Print the costs of the run named on the command line."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/music21")
    try:
        costs = stage_costs(folder)
    except DataError as error:
        sys.exit(str(error))
    print(f"{'stage':<20}{'jobs':>6}{'wall s':>10}{'cpu s':>10}{'longest s':>11}{'peak MB':>9}")
    for cost in costs:
        print(
            f"{cost.stage:<20}{cost.jobs:>6}{cost.wall_s:>10.1f}{cost.cpu_s:>10.1f}"
            f"{cost.longest_s:>11.1f}{cost.peak_mb:>9.0f}"
        )
    print(
        f"\nall: {sum(cost.jobs for cost in costs)} measured jobs, "
        f"{sum(cost.cpu_s for cost in costs) / 60:.1f} processor minutes, "
        f"largest job {max(cost.peak_mb for cost in costs):.0f} MB"
    )


if __name__ == "__main__":
    main()
