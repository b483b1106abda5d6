"""What the versions task makes when it is asked for everything, the data or the features; no rules.

Inputs: none.
Outputs: none.
"""

VERSION_FOLDS = [str(number) for number in range(config["versions"]["folds"])]
VERSION_LENGTHS = config["versions"]["dimensions"]


wildcard_constraints:
    dimensions=r"\d+",
    fold=r"\d+",


def data_targets() -> list[str]:
    """Return the tables of recordings, alignments and folds."""
    names = ("recordings", "rejects", "version_pairs", "version_folds")
    return [f"{DATA}/{name}.parquet" for name in names]


def feature_targets() -> list[str]:
    """Return the same: shingles are cut from the recordings when they are needed."""
    return data_targets()


def version_scores() -> list[str]:
    """Return the scores of every system, length of code and seed."""
    folder = f"{DATA}/version_scores"
    return [
        f"{folder}/raw.parquet",
        *[f"{folder}/pca-{length}.parquet" for length in VERSION_LENGTHS],
        *[
            f"{folder}/network-{length}-seed-{seed}.parquet"
            for length in VERSION_LENGTHS
            for seed in SEEDS
        ],
    ]


def versions_targets() -> list[str]:
    """Return metrics, tables and figure."""
    tables = ("versions", "versions_lengths", "versions_works", "versions_differences")
    return [
        f"{DATA}/config.yaml",
        *data_targets(),
        f"{DATA}/version_metrics.parquet",
        f"{DATA}/version_comparisons.parquet",
        *[f"{DATA}/tables/{table}.md" for table in tables],
        f"{DATA}/figures/versions.png",
    ]


def final_targets() -> list[str]:
    """Return what `snakemake` makes by default."""
    return versions_targets()
