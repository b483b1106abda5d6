"""Which files a job reads, where that depends on the configuration; no rules.

Inputs: none.
Outputs: none.
"""

from pathlib import Path


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


def encoder_companions(wildcards) -> list[str]:
    """Return the other fetched files that an audio encoder reads."""
    vggish = config["features"]["audio"]["vggish"]
    return fetched(vggish["pca"]) if wildcards.encoder == "vggish" else []


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
