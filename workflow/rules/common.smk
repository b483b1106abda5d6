"""Names, lists and settings that the rules share; no rules.

Inputs: the merged configuration (config.yaml and the user's files).
Outputs: none.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
SRC = ROOT / "src"
# Relative, so that a moved project makes nothing again.
SOURCES = os.path.relpath(ROOT / "config/sources.tsv")
sys.path.insert(0, str(SRC))

from ugaar import cli, digest, settings, splits
from ugaar.errors import ConfigError
from ugaar.features.audio_encoder import ENCODERS
from ugaar.hardware import wants_gpu
from ugaar.render.sheet_renderer import RENDERERS
from ugaar.sources.fetch_table import read_sources
from ugaar.sources.kinds import KINDS, sources_of

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

SOURCES_READ = sources_of(config["source"])
# What `fetch` can get: name of the file in resources/ -> its row in the table of sources.
FETCHED = {row.file: row for row in read_sources(Path(SOURCES)).values()}
DATASET = config["dataset"]
DATA = f"results/{DATASET}"
# Where the songs, windows, clips and strips lie.
MUSIC = f"results/{config['music_of'] or DATASET}"
# Everything that depends on how the folds are drawn lies in a folder of its own.
HERE = f"{DATA}/{{split}}"
SHARDS = [str(number) for number in range(config["shards"])]
SEEDS = config["seeds"]
SPLITS = splits.planned(config)
PROTOCOLS = [name for name, split in SPLITS.items() if split.main]
METHODS = config["methods"]
ENCODER_IS_TRAINED = config["encoder"]["weights"] == "trained"
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
    split="|".join(SPLITS),
    resource="|".join(re.escape(file) for file in FETCHED),
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


def fetched(*paths: str | None) -> list[str]:
    """Return those of the paths that `fetch` gets; a user's own files are left as they are."""
    return [path for path in paths if path and path.startswith("resources/")]


def gpu_count(wildcards) -> int:
    """Return 1 where training uses a GPU, else 0: CPU jobs then run side by side."""
    return int(wants_gpu(config["device"]))


def depends_on_split(encoder: str) -> bool:
    """Return whether an encoder is trained on the training fold of a split."""
    return encoder in ("asmcmr", "sheet") and ENCODER_IS_TRAINED


def encoder_file(name: str) -> str:
    """Return the file of an audio-sheet encoder: `encoder` or `untrained`."""
    trained = name == "encoder" and ENCODER_IS_TRAINED
    return f"{HERE if trained else DATA}/encoder/{name}.pt"


def released_encoder(wildcards) -> list[str]:
    """Return the file of released parameters that the encoder is loaded from."""
    return [] if ENCODER_IS_TRAINED else fetched(config["encoder"]["path"])


def encoder_weights(wildcards) -> str:
    """Return the file that holds the weights of an audio encoder."""
    audio = config["features"]["audio"]
    return {
        "musicnn": "resources/musicnn-0.1.0-py3-none-any.whl",
        "vggish": audio["vggish"]["weights"] or "",
        "asmcmr": encoder_file("encoder"),
        "untrained": encoder_file("untrained"),
    }[wildcards.encoder]


def sheet_weights(wildcards) -> str:
    """Return the file that holds the weights of a sheet encoder."""
    return encoder_file(
        {"sheet": "encoder", "sheet_untrained": "untrained"}[wildcards.sheet_encoder]
    )


def parts_folder(encoder: str) -> str:
    """Return the folder of an audio encoder's output: of a split, a dataset or its music."""
    if encoder in ("musicnn", "vggish"):
        return MUSIC
    return HERE if depends_on_split(encoder) else DATA


def audio_parts(encoder: str) -> list[str]:
    """Return the shards of an audio encoder's output."""
    folder = parts_folder(encoder)
    return [
        f"{folder}/features/audio-parts/{encoder}-{shard}.parquet" for shard in SHARDS
    ]


def sheet_parts(wildcards) -> list[str]:
    """Return the shards of a sheet encoder's output."""
    name = wildcards.sheet_encoder
    folder = HERE if depends_on_split(name) else DATA
    parts = f"{folder}/features/sheet-parts/{name}"
    return [f"{parts}-{shard}.parquet" for shard in SHARDS]


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


def methods_of(split: str) -> list[str]:
    """Return the methods that are trained on a split."""
    return SPLITS[split].methods


def ranks_of(wildcards) -> list[str]:
    """Return the ranks of every method of a split."""
    return [
        f"{HERE}/evaluate/{method}.parquet" for method in methods_of(wildcards.split)
    ]


def ranks_of_splits(wildcards) -> list[str]:
    """Return the ranks of every split."""
    return [f"{DATA}/{split}/ranks.parquet" for split in SPLITS]


def train_inputs(wildcards) -> dict[str, str]:
    """Return the feature tables that a method is trained on."""
    audio = {"cca-asmcmr": audio_features("asmcmr"), "untrained": "audio_untrained"}
    found = {
        "windows": f"{MUSIC}/windows.parquet",
        "split": f"{HERE}/split.parquet",
        "audio": f"{HERE}/features/{audio.get(wildcards.method, 'audio')}.parquet",
        "sheet": f"{HERE}/features/"
        + ("sheet_untrained" if wildcards.method == "untrained" else "sheet")
        + ".parquet",
        "lyrics": f"{HERE}/features/lyrics.parquet",
    }
    if wildcards.method == "ugaar":
        found["ground_truth"] = f"{HERE}/ground_truth.parquet"
    if wildcards.method in STARTED_FROM_BASELINE:
        found["baseline"] = f"{HERE}/train/baseline/seed-{wildcards.seed}/model.pt"
    return found


def transfer_inputs(wildcards) -> dict[str, str | list[str]]:
    """Return the models of another collection and the features they are applied to."""
    here = f"{DATA}/song-disjoint"
    methods = config["transfer"]["methods"]
    names = ["audio", "sheet", "lyrics"]
    if "cca-asmcmr" in methods and audio_features("asmcmr") not in names:
        names.append(audio_features("asmcmr"))
    return {
        "models": [
            f"{config['transfer']['models']}/train/{method}/seed-{seed}/model.pt"
            for method in methods
            for seed in SEEDS
        ],
        "windows": f"{MUSIC}/windows.parquet",
        "split": f"{here}/split.parquet",
        "metrics": f"{here}/metrics.parquet",
        **{name: f"{here}/features/{name}.parquet" for name in names},
    }


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
    shards = {
        medium: [f"{MUSIC}/{medium}/shard-{shard}.parquet" for shard in SHARDS]
        for medium in ("audio", "sheet")
    }
    histories = [
        f"{HERE}/train/{method}/seed-{seed}/history.parquet"
        for method in METHODS
        for seed in SEEDS
    ]
    if ENCODER_IS_TRAINED:
        histories.insert(0, f"{HERE}/encoder/history.parquet")
    return {
        "ranks": {
            "ranks": f"{HERE}/ranks.parquet",
            "metrics": f"{HERE}/metrics.parquet",
        },
        "training": {"history": histories},
        "funnel": {"funnel": f"{HERE}/funnel.parquet"},
        "correlations": {"ground_truth": f"{HERE}/ground_truth.parquet"},
        "samples": {
            "songs": f"{MUSIC}/songs.parquet",
            "windows": f"{MUSIC}/windows.parquet",
            "split": f"{HERE}/split.parquet",
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
