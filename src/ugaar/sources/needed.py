"""Which files a configuration uses, and which of them are fetched."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ugaar.errors import ConfigError
from ugaar.sources.fetch_table import RESOURCES, Source, resource_path
from ugaar.sources.kinds import sources_of

MUSICNN = "musicnn"


def used_files(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of data and weights that a configuration names and uses.

    Args:
        config: the whole configuration, validated.

    Returns:
        Dotted key -> path as written. Files that are set but not used are left out, such as
        the published skip-gram models where the lyrics model is trained.
    """
    if config["task"] == "versions":
        return {"versions.path": config["versions"]["path"]}
    found = {
        f"source.also.{number}.path" if number >= 0 else "source.path": source["path"]
        for number, source in enumerate(sources_of(config["source"]), start=-1)
    }
    if config["task"] == "audio-sheet":
        return {key: path for key, path in found.items() if path}
    audio, lyrics = config["features"]["audio"], config["features"]["lyrics"]
    keys = []
    if "vggish" in (audio["encoder"], *audio["also"]):
        keys += ["features.audio.vggish.weights", "features.audio.vggish.pca"]
    if config["encoder"]["weights"] != "trained":
        keys.append("encoder.path")
    if lyrics["model"] == "published":
        keys += ["features.lyrics.syllable_model", "features.lyrics.word_model"]
    found |= {key: _value(config, key) for key in keys}
    return {key: path for key, path in found.items() if path}


def needed_sources(config: Mapping[str, Any], sources: Mapping[str, Source]) -> list[str]:
    """Return the sources that a configuration needs, in the order of the table.

    A path `resources/<file>` in the configuration means the source with that file; any other path
    is a file of the user's own.

    Args:
        config: the whole configuration, validated.
        sources: the table of sources.

    Raises:
        ConfigError: a path in resources/ is the file of no source.
    """
    audio = config["features"]["audio"]
    names = {resource_path(source): name for name, source in sources.items()}
    has_musicnn = config["task"] == "three-modalities" and MUSICNN in (
        audio["encoder"],
        *audio["also"],
    )
    needed = {MUSICNN} if has_musicnn else set()
    for key, path in used_files(config).items():
        tidy = str(PurePosixPath(path))
        if tidy in names:
            needed.add(names[tidy])
        elif PurePosixPath(tidy).parts[0] == RESOURCES:
            near = difflib.get_close_matches(tidy, names, n=1, cutoff=0.0)
            raise ConfigError(
                f"{key}: {path} is the file of no source; the nearest is {near[0]}. Keep files of "
                f"your own outside {RESOURCES}/"
            )
    return [name for name in sources if name in needed]


def _value(config: Mapping[str, Any], key: str) -> str | None:
    value: Any = config
    for part in key.split("."):
        value = value[part]
    return value
