"""What the workflow makes when it is asked for everything, the data or the features; no rules.

Inputs: none.
Outputs: none.
"""


def data_targets() -> list[str]:
    """Return the tables and media of the data."""
    return [
        *[f"{MUSIC}/{name}.parquet" for name in ("songs", "windows", "rejects")],
        *[
            f"{DATA}/{split}/{name}.parquet"
            for split in SPLITS
            for name in ("split", "funnel")
        ],
        *[
            f"{MUSIC}/{medium}/shard-{shard}.parquet"
            for medium in ("audio", "sheet")
            for shard in SHARDS
        ],
    ]


def feature_targets() -> list[str]:
    """Return the feature tables."""
    names = [audio_features(encoder) for encoder in AUDIO_ENCODERS]
    return [
        f"{DATA}/{split}/features/{name}.parquet"
        for split in PROTOCOLS
        for name in [*names, "audio_frames", *SHEET_ENCODERS, "lyrics"]
    ]


def final_targets() -> list[str]:
    """Return what `snakemake` makes by default."""
    targets = [f"{DATA}/config.yaml", *data_targets(), *feature_targets()]
    for split in SPLITS:
        targets += [
            f"{DATA}/{split}/{name}.parquet"
            for name in ("metrics", "comparisons", "ranks")
        ]
    for split in PROTOCOLS:
        targets += [f"{DATA}/{split}/tables/table_{number}.md" for number in (1, 2)]
        targets += [f"{DATA}/{split}/figures/{figure}.png" for figure in FIGURES]
    if config["transfer"]["models"]:
        targets.append(f"{DATA}/transfer.parquet")
    if len(SPLITS) > 1:
        targets.append(f"{DATA}/tables/splits.md")
    return targets
