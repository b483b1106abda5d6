"""Which files a job of the audio-sheet task reads, where the configuration decides; no rules.

Inputs: none.
Outputs: none.
"""

from collections.abc import Iterable
from pathlib import Path

from ugaar.conditions import conditions, folds_of_rendition, sounds
from ugaar.systems import SystemPlan, front_end_of, plan_system

AUDIO_SHEET = config["audio_sheet"]
SOUNDS = sounds(AUDIO_SHEET)
CONDITIONS = conditions(AUDIO_SHEET)
RENDITIONS = sorted({sound.rendition for sound in SOUNDS.values()})
SYSTEMS = AUDIO_SHEET["trained"] or list(AUDIO_SHEET["systems"])


wildcard_constraints:
    rendition="|".join(RENDITIONS),
    sound="|".join(re.escape(name) for name in SOUNDS),
    front_end="20fps|31fps",
    system="|".join(SYSTEMS),


def pieces_inputs(wildcards) -> dict[str, list[str]]:
    """Return the shards of pieces and of songs that the pieces are made of."""
    found: dict[str, list[str]] = {"rejects": []}
    for wanted, flag, name, stage in (
        (PIECE_READERS, "parts", "pieces", "ingest_pieces"),
        (SONG_READERS, "songs", "songs", "ingest"),
    ):
        if wanted:
            found[flag] = [f"{DATA}/ingest/{name}-{shard}.parquet" for shard in SHARDS]
            found["rejects"] += [
                f"{DATA}/rejects/{stage}-{shard}.parquet" for shard in SHARDS
            ]
    return found


def pieces_options(wildcards, input) -> str:
    """Return the flags of the shards that there are."""
    return " ".join(
        f"--{name} {' '.join(input[name])}" for name in pieces_inputs(wildcards)
    )


def piece_reject_parts(wildcards) -> list[str]:
    """Return the rejects of every stage up to the snippets; those of reading are in `pieces`."""
    parts = [f"render_sheet-{shard}" for shard in SHARDS]
    parts += [
        f"render_audio-{rendition}-{shard}"
        for rendition in RENDITIONS
        for shard in SHARDS
    ]
    return [f"{DATA}/rejects/{part}.parquet" for part in [*parts, "pieces", "align"]]


def rendition_settings(wildcards) -> str:
    """Return the settings of render-audio with no rendition but that of this job."""
    wanted = AUDIO_SHEET["renditions"][wildcards.rendition]
    font = wanted.get("soundfont", "timgm6mb")
    chosen = settings.subset(config, ["audio", "shards"])
    chosen["audio_sheet"] = {
        "renditions": {wildcards.rendition: wanted},
        "soundfonts": {font: AUDIO_SHEET["soundfonts"][font]},
    }
    return settings.as_text(chosen)


def rendition_folds(wildcards) -> list[str]:
    """Return the folds whose pieces are synthesised in a rendition."""
    return folds_of_rendition(AUDIO_SHEET, wildcards.rendition)


def sound_shards(wildcards) -> list[str]:
    """Return the clips that a sound is made of."""
    rendition = SOUNDS[wildcards.sound].rendition
    return [f"{DATA}/audio/{rendition}/shard-{shard}.parquet" for shard in SHARDS]


def sound_options(wildcards) -> str:
    """Return the flags of a sound's folds and noise."""
    sound = SOUNDS[wildcards.sound]
    noise = "" if sound.noise_db is None else f" --noise-db {sound.noise_db}"
    return f"--folds {' '.join(sound.folds)}{noise}"


def twins_options(wildcards, input) -> str:
    """Return the flags of the shards that twins are counted in."""
    return " ".join(
        f"--{name} {' '.join(input[name])}"
        for name in ("parts", "songs")
        if name in pieces_inputs(wildcards)
    )


def front_end(system: str) -> str:
    """Return the spectrogram front end of a system."""
    return front_end_of(AUDIO_SHEET["systems"][system]["model"])


FRONT_ENDS = sorted({front_end(system) for system in SYSTEMS})


def spectrograms(system: str, sounds: Iterable[str]) -> list[str]:
    """Return the spectrograms of some sounds for a system."""
    folder = f"{DATA}/spectrograms/{front_end(system)}"
    return [f"{folder}/{sound}.npy" for sound in dict.fromkeys(sounds)]


def training_spectrograms(wildcards) -> list[str]:
    """Return the spectrograms of the training renditions."""
    return spectrograms(wildcards.system, AUDIO_SHEET["train"])


def validation_spectrograms(wildcards) -> list[str]:
    """Return the spectrograms of the validation rendition."""
    return spectrograms(wildcards.system, [AUDIO_SHEET["valid"]])


def condition_spectrograms(wildcards) -> list[str]:
    """Return the spectrograms of every condition."""
    return spectrograms(
        wildcards.system, [condition.sound for condition in CONDITIONS.values()]
    )


def spectrogram_folder(wildcards, input) -> str:
    """Return the folder of a system's spectrograms."""
    return str(Path(input.spectrograms[0]).parent)


def plan_of(wildcards) -> SystemPlan:
    """Return what the system of a job is built and trained with."""
    return plan_system(AUDIO_SHEET, wildcards.system)


def system_settings(wildcards) -> str:
    """Return the settings of train-system with no system but that of this job."""
    chosen = settings.subset(
        config, ["audio_sheet.training", "audio_sheet.augment", "device"]
    )
    own = AUDIO_SHEET["systems"][wildcards.system]
    chosen["audio_sheet"]["systems"] = {wildcards.system: own}
    return settings.as_text(chosen)


def system_code(wildcards) -> str:
    """Return the digest of train-system with the module of this job's system."""
    return stage_code("train-system", plan_of(wildcards).module)


def system_threads(wildcards) -> int:
    """Return the number of threads that a system computes with."""
    return plan_of(wildcards).training["threads"]


def codes_of_system(wildcards) -> list[str]:
    """Return the codes of every seed of a system."""
    folder = f"{DATA}/systems/{wildcards.system}"
    return [f"{folder}/seed-{seed}/codes.parquet" for seed in SEEDS]


def system_figure_inputs(wildcards) -> dict[str, str | list[str]]:
    """Return the tables that a figure of all systems is drawn from."""
    histories = [
        f"{DATA}/systems/{system}/seed-{seed}/history.parquet"
        for system in SYSTEMS
        for seed in SEEDS
    ]
    metrics = {"metrics": f"{DATA}/system_metrics.parquet"}
    return {
        "learning": {"history": histories},
        "correlations": {"history": histories},
        "recall": {**metrics, "ranks": f"{DATA}/system_ranks.parquet"},
        "robustness": metrics,
    }[wildcards.system_figure]


def example_inputs(wildcards) -> dict[str, str]:
    """Return the tables, strips and spectrograms that example queries are cut from."""
    sound = list(CONDITIONS.values())[0].sound
    media = f"{DATA}/spectrograms/{front_end(wildcards.system)}/{sound}"
    return {
        "ranks": f"{DATA}/system_ranks.parquet",
        "codes": f"{DATA}/systems/{wildcards.system}/seed-{SEEDS[0]}/codes.parquet",
        "snippets": f"{DATA}/snippets.parquet",
        "pieces": f"{DATA}/pieces.parquet",
        "strips": f"{DATA}/strips/plain.npy",
        "strips_index": f"{DATA}/strips/plain.parquet",
        "spectrograms": f"{media}.npy",
        "spectrograms_index": f"{media}.parquet",
    }


def named_options(wildcards, input) -> str:
    """Return a flag for each named input."""
    flags = []
    for name, found in input.items():
        files = [found] if isinstance(found, str) else list(found)
        flags.append(f"--{name.replace('_', '-')} {' '.join(files)}")
    return " ".join(flags)
