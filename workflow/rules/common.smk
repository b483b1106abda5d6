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
from ugaar.sources.kinds import KINDS, PIECE_KINDS, sources_of

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
# Modules that read them: into songs, or into pieces without lyrics.
SONG_READERS, PIECE_READERS = (
    [kinds[one["kind"]].module for one in SOURCES_READ if one["kind"] in kinds]
    for kinds in (KINDS, PIECE_KINDS)
)
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


def read_once(path: str) -> str:
    """Return an output of `ingest` that goes when its one reader is done.

    In the audio-sheet task two stages read it: were it gone for the second, that one would have
    everything made anew.
    """
    return path if config["task"] == "audio-sheet" else temp(path)


def fetched(*paths: str | None) -> list[str]:
    """Return those of the paths that `fetch` gets; a user's own files are left as they are."""
    return [path for path in paths if path and path.startswith("resources/")]


def gpu_count(wildcards) -> int:
    """Return 1 where training uses a GPU, else 0: CPU jobs then run side by side."""
    return int(wants_gpu(config["device"]))


def output_folder(wildcards, output) -> str:
    """Return the folder that a job writes to."""
    return str(Path(output[0]).parent)


def sheet_folder(wildcards, input) -> str:
    """Return the folder of the strips' shards."""
    return str(Path(input.sheet[0]).parent)


def audio_folder(wildcards, input) -> str:
    """Return the folder of the clips' shards."""
    return str(Path(input.audio[0]).parent)
