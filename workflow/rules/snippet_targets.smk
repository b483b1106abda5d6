"""What the audio-sheet task makes when it is asked for everything or the data; no rules.

Inputs: none.
Outputs: none.
"""

TABLES_OF_SYSTEMS = [
    "systems_dcca",
    "systems_cca_layer",
    "tolerance",
    "robustness",
    "identification",
]
FIGURES_OF_SYSTEMS = ["learning", "correlations", "recall", "robustness"]


wildcard_constraints:
    system_figure="|".join(FIGURES_OF_SYSTEMS),


def data_targets() -> list[str]:
    """Return the tables of pieces and snippets, and the strips."""
    names = (
        "pieces",
        "piece_split",
        "alignment",
        "snippets",
        "twins",
        "rejects",
    )
    return [
        *[f"{DATA}/{name}.parquet" for name in names],
        *[f"{DATA}/sheet/shard-{shard}.parquet" for shard in SHARDS],
        f"{DATA}/strips/plain.npy",
    ]


def feature_targets() -> list[str]:
    """Return the spectrograms that the systems need."""
    return [
        *data_targets(),
        *[
            f"{DATA}/spectrograms/{front_end}/{sound}.npy"
            for front_end in FRONT_ENDS
            for sound in SOUNDS
        ],
    ]


def final_targets() -> list[str]:
    """Return what `snakemake` makes by default."""
    return [
        f"{DATA}/config.yaml",
        *data_targets(),
        *[f"{DATA}/system_{name}.parquet" for name in ("ranks", "metrics")],
        *[f"{DATA}/identify/{system}.parquet" for system in SYSTEMS],
        *[f"{DATA}/tables/{table}.md" for table in TABLES_OF_SYSTEMS],
        *[f"{DATA}/figures/{figure}.png" for figure in FIGURES_OF_SYSTEMS],
        *[f"{DATA}/figures/{system}/examples.png" for system in SYSTEMS],
    ]
