"""The configuration: loading, merging, validating, and handing each stage just its own keys."""

from __future__ import annotations

import copy
import difflib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ugaar.conditions import check_sounds
from ugaar.errors import ConfigError
from ugaar.sources.kinds import ALL_KINDS, KINDS, PIECE_KINDS, sources_of
from ugaar.systems import check_systems

Settings = dict[str, Any]

THREE_MODALITIES = "three-modalities"


def load_yaml(path: Path | str) -> Settings:
    """Read a YAML mapping.

    Raises:
        ConfigError: the file is missing, no YAML, or not a mapping.
    """
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such configuration file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(found).__name__}")
    return found


def merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> Settings:
    """Return `base` with the keys of `override` laid over it, level by level."""
    merged = copy.deepcopy(dict(base))
    for key, value in override.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def validate(config: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> None:
    """Check a configuration against its JSON Schema and the rules between keys.

    Args:
        config: the merged configuration.
        schema: JSON Schema, `additionalProperties: false` at every level.
        where: the file or files to name in errors.

    Raises:
        ConfigError: one line per problem, naming the key, the file and, for an unknown key, the
            nearest known one.
    """
    import jsonschema

    problems = []
    for error in jsonschema.Draft202012Validator(schema).iter_errors(config):
        place = ".".join(str(part) for part in error.absolute_path)
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            for key in sorted(set(error.instance) - set(known)):
                dotted = f"{place}.{key}" if place else key
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
                problems.append(
                    f"{where}: unknown key {dotted!r}; the nearest known key is "
                    f"{(place + '.' if place else '') + near[0]!r}"
                )
        else:
            problems.append(f"{where}: {place or 'configuration'}: {error.message}")
    if not problems:
        problems = [f"{where}: {problem}" for problem in _rules_between_keys(config)]
    if problems:
        raise ConfigError("\n".join(problems))


def _rules_between_keys(config: Mapping[str, Any]) -> Iterable[str]:
    source, features, encoder = config["source"], config["features"], config["encoder"]
    for number, one in enumerate(sources_of(source), start=-1):
        place, content = "source", ALL_KINDS[one["kind"]].content
        if number >= 0:
            place = f"source.also.{number}"
        if content and not one["path"]:
            yield f"{place}.path: needed for {place}.kind {one['kind']}; give {content}"
        if one["kind"] in PIECE_KINDS and config["task"] == THREE_MODALITIES:
            yield (
                f"{place}.kind: {one['kind']} gives pieces without lyrics, and the task "
                f"{THREE_MODALITIES} needs lyrics; set task: audio-sheet, or a kind of "
                f"{', '.join(KINDS)}"
            )
    if config["split"]["valid_share"] + config["split"]["test_share"] >= 1:
        yield "split: valid_share and test_share leave nothing for training"
    encoders = {features["audio"]["encoder"], *features["audio"]["also"]}
    if "vggish" in encoders and not features["audio"]["vggish"]["weights"]:
        yield "features.audio.vggish.weights: needed for the vggish encoder; give the weights file"
    if encoder["weights"] != "trained" and not encoder["path"]:
        yield f"encoder.path: needed for encoder.weights {encoder['weights']}; give the file"
    lyrics = features["lyrics"]
    if lyrics["model"] == "published" and not (lyrics["syllable_model"] and lyrics["word_model"]):
        yield "features.lyrics: model published needs syllable_model and word_model (files)"
    if "cca-asmcmr" in config["methods"] and "asmcmr" not in encoders:
        yield "methods: cca-asmcmr needs asmcmr in features.audio.also"
    yield from check_sounds(config["audio_sheet"])
    yield from check_systems(config["audio_sheet"])


def load(paths: Iterable[Path | str], schema_path: Path | str) -> Settings:
    """Load configuration files, later ones over earlier ones, and validate the result."""
    paths = list(paths)
    merged: Settings = {}
    for path in paths:
        merged = merge(merged, load_yaml(path))
    validate(merged, load_yaml(schema_path), " + ".join(str(path) for path in paths))
    return merged


def subset(config: Mapping[str, Any], keys: Iterable[str]) -> Settings:
    """Return only the dotted keys of a configuration, nested as before.

    A stage sees the keys that it declares and no other, so Snakemake can rerun it when, and only
    when, one of them changes.
    """
    chosen: Settings = {}
    for key in keys:
        *parents, last = key.split(".")
        source: Any = config
        target = chosen
        for parent in parents:
            source = source[parent]
            target = target.setdefault(parent, {})
        target[last] = copy.deepcopy(source[last])
    return chosen


def as_text(settings: Mapping[str, Any]) -> str:
    """Return settings as one line of JSON, keys sorted."""
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def mirror_folder(settings: Mapping[str, Any]) -> Path | None:
    """Return the folder of local copies: config key `mirror`, else UGAAR_MIRROR, else None."""
    named = settings.get("mirror") or os.environ.get("UGAAR_MIRROR")
    return Path(named) if named else None
