"""Names, lists and settings that the rules share; no rules.

Inputs: the merged configuration (config.yaml and the user's files).
Outputs: none.
"""

import os
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
SRC = ROOT / "src"
# Relative, so that a moved project makes nothing again.
SOURCES = os.path.relpath(ROOT / "config/sources.tsv")
sys.path.insert(0, str(SRC))

from ugaar import cli, digest, settings
from ugaar.errors import ConfigError
from ugaar.features.audio_encoder import ENCODERS
from ugaar.hardware import wants_gpu

# --sdm conda removes PYTHONPATH from a job; set inside the command it survives, and the workflow
# needs no installed copy of the package.
shell.executable("bash")
shell.prefix(f"set -euo pipefail; export PYTHONPATH={str(SRC)!r}; ")

try:
    settings.validate(
        config,
        settings.load_yaml(ROOT / "workflow/schemas/config.schema.yaml"),
        " + ".join(str(path) for path in workflow.configfiles) or "configuration",
    )
except ConfigError as error:
    raise WorkflowError(str(error)) from None

DATASET = config["dataset"]
SHARDS = [str(number) for number in range(config["shards"])]
METHODS = config["methods"]
SEEDS = config["seeds"]
STARTED_FROM_BASELINE = ("baseline-longer", "baseline-gan", "ugaar")
FIGURES = ["ranks", "training", "funnel", "correlations", "samples"]
AUDIO_ENCODERS = list(
    dict.fromkeys(
        [config["features"]["audio"]["encoder"], *config["features"]["audio"]["also"]]
        + (["untrained"] if "untrained" in METHODS else [])
    )
)
REJECT_PARTS = [
    "window",
    *[
        f"{stage}-{shard}"
        for stage in ("render_audio", "render_sheet")
        for shard in SHARDS
    ],
]
SHEET_ENCODERS = ["sheet", *(["sheet_untrained"] if "untrained" in METHODS else [])]


wildcard_constraints:
    shard=r"\d+",
    seed=r"\d+",
    method=r"[a-z0-9-]+",
    encoder="|".join(ENCODERS),
    sheet_encoder="sheet|sheet_untrained",
    table="table_1|table_2",
    figure="|".join(FIGURES),
    dataset=r"[A-Za-z0-9_-]+",


def stage_settings(verb: str) -> str:
    """Return the configuration keys that a stage declares, as JSON: the stage sees no others."""
    keys = digest.constant_of(cli.module_of(verb), "SETTINGS")
    return settings.as_text(settings.subset(config, keys))


def stage_code(verb: str, *modules: str) -> str:
    """Return the digest of a stage's code and of modules that it picks by name."""
    return digest.code_digest(cli.module_of(verb), *modules)


def encoder_code(wildcards) -> str:
    """Return the digest of features-audio with the encoder of this job."""
    return stage_code("features-audio", ENCODERS[wildcards.encoder].module)


def encoder_settings(wildcards) -> str:
    """Return the settings of features-audio that the encoder of this job reads."""
    keys = [*ENCODERS[wildcards.encoder].settings, "device"]
    return settings.as_text(settings.subset(config, keys))


def gpu_count(wildcards) -> int:
    """Return 1 where training uses a GPU, else 0: CPU jobs then run side by side."""
    return int(wants_gpu(config["device"]))


def encoder_weights(wildcards) -> str:
    """Return the file that holds the weights of an audio encoder."""
    audio = config["features"]["audio"]
    return {
        "musicnn": "resources/musicnn-0.1.0-py3-none-any.whl",
        "vggish": audio["vggish"]["weights"] or "",
        "asmcmr": f"results/{DATASET}/encoder/encoder.pt",
        "untrained": f"results/{DATASET}/encoder/untrained.pt",
    }[wildcards.encoder]


def sheet_weights(wildcards) -> str:
    """Return the file that holds the weights of a sheet encoder."""
    name = {"sheet": "encoder", "sheet_untrained": "untrained"}[wildcards.sheet_encoder]
    return f"results/{DATASET}/encoder/{name}.pt"


def audio_features(encoder: str) -> str:
    """Return the name of an encoder's feature table: `audio` for the configured one."""
    return (
        "audio"
        if encoder == config["features"]["audio"]["encoder"]
        else f"audio_{encoder}"
    )


def audio_folder(wildcards, input) -> str:
    """Return the folder of the clips' shards."""
    return str(Path(input.audio[0]).parent)


def sheet_folder(wildcards, input) -> str:
    """Return the folder of the strips' shards."""
    return str(Path(input.sheet[0]).parent)


def output_folder(wildcards, output) -> str:
    """Return the folder that a job writes to."""
    return str(Path(output[0]).parent)


def train_inputs(wildcards) -> dict[str, str]:
    """Return the feature tables that a method is trained on."""
    folder = f"results/{DATASET}"
    audio = {"cca-asmcmr": audio_features("asmcmr"), "untrained": "audio_untrained"}
    found = {
        "windows": f"{folder}/windows.parquet",
        "split": f"{folder}/split.parquet",
        "audio": f"{folder}/features/{audio.get(wildcards.method, 'audio')}.parquet",
        "sheet": f"{folder}/features/"
        + ("sheet_untrained" if wildcards.method == "untrained" else "sheet")
        + ".parquet",
        "lyrics": f"{folder}/features/lyrics.parquet",
    }
    if wildcards.method == "ugaar":
        found["ground_truth"] = f"{folder}/ground_truth.parquet"
    if wildcards.method in STARTED_FROM_BASELINE:
        found["baseline"] = f"{folder}/train/baseline/seed-{wildcards.seed}/model.pt"
    return found


def train_options(wildcards, input) -> str:
    """Return the flags of the inputs that only some methods have."""
    flags = []
    if wildcards.method == "ugaar":
        flags.append(f"--ground-truth {input.ground_truth}")
    if wildcards.method in STARTED_FROM_BASELINE:
        flags.append(f"--baseline {input.baseline}")
    return " ".join(flags)


def figure_inputs(wildcards) -> dict[str, str | list[str]]:
    """Return the tables that a figure is drawn from."""
    folder = f"results/{DATASET}"
    shards = {
        medium: [f"{folder}/{medium}/shard-{shard}.parquet" for shard in SHARDS]
        for medium in ("audio", "sheet")
    }
    histories = [
        f"{folder}/train/{method}/seed-{seed}/history.parquet"
        for method in METHODS
        for seed in SEEDS
    ]
    return {
        "ranks": {
            "ranks": f"{folder}/ranks.parquet",
            "metrics": f"{folder}/metrics.parquet",
        },
        "training": {"history": [f"{folder}/encoder/history.parquet", *histories]},
        "funnel": {"funnel": f"{folder}/funnel.parquet"},
        "correlations": {"ground_truth": f"{folder}/ground_truth.parquet"},
        "samples": {
            "songs": f"{folder}/songs.parquet",
            "windows": f"{folder}/windows.parquet",
            "split": f"{folder}/split.parquet",
            **shards,
        },
    }[wildcards.figure]


def figure_options(wildcards, input) -> str:
    """Return the flags of the tables that a figure is drawn from; media are given as folders."""
    flags = []
    for name in figure_inputs(wildcards):
        if name in ("audio", "sheet"):
            flags.append(f"--{name} {Path(input[name][0]).parent}")
        elif name == "history":
            flags.append(f"--history {' '.join(input.history)}")
        else:
            flags.append(f"--{name.replace('_', '-')} {input[name]}")
    return " ".join(flags)


def data_targets() -> list[str]:
    """Return the tables and media of the data."""
    folder = f"results/{DATASET}"
    tables = ("songs", "windows", "split", "rejects", "funnel")
    return [f"{folder}/{name}.parquet" for name in tables] + [
        f"{folder}/{medium}/shard-{shard}.parquet"
        for medium in ("audio", "sheet")
        for shard in SHARDS
    ]


def feature_targets() -> list[str]:
    """Return the feature tables."""
    names = [audio_features(encoder) for encoder in AUDIO_ENCODERS]
    return [
        f"results/{DATASET}/features/{name}.parquet"
        for name in [*names, "audio_frames", *SHEET_ENCODERS, "lyrics"]
    ]


def final_targets() -> list[str]:
    """Return what `snakemake` makes by default."""
    folder = f"results/{DATASET}"
    return [
        f"{folder}/config.yaml",
        f"{folder}/metrics.parquet",
        f"{folder}/comparisons.parquet",
        f"{folder}/ranks.parquet",
        *[f"{folder}/tables/table_{number}.md" for number in (1, 2)],
        *[f"{folder}/figures/{figure}.png" for figure in FIGURES],
        *data_targets(),
        *feature_targets(),
    ]
