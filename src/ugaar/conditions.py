"""The conditions that audio-sheet systems are tested under, and the sounds that these need."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sound:
    """Spectrograms of some pieces: a rendition, with or without noise.

    Attributes:
        rendition: name of the rendition.
        noise_db: signal-to-noise ratio of added white noise, dB; None adds none.
        folds: folds whose pieces are needed so.
    """

    rendition: str
    noise_db: float | None
    folds: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its files."""
        return self.rendition if self.noise_db is None else f"{self.rendition}-{self.noise_db:g}dB"


@dataclass(frozen=True)
class Condition:
    """How the test pieces sound and look.

    Attributes:
        name: its name in the config.
        rendition: the rendition that is heard.
        noise_db: signal-to-noise ratio of added white noise, dB; None adds none.
        look: scale (a factor), rotate (degrees) and blur (pixels) of the strip, those that differ
            from how it was engraved.
    """

    name: str
    rendition: str
    noise_db: float | None
    look: Mapping[str, float]

    @property
    def sound(self) -> str:
        """The name of the sound that is heard."""
        return Sound(self.rendition, self.noise_db, ()).name


def conditions(audio_sheet: Mapping[str, Any]) -> dict[str, Condition]:
    """Return the conditions that are tested by name, in their order; the first is the main one."""
    return {
        name: _condition(name, audio_sheet["conditions"][name], audio_sheet["valid"])
        for name in audio_sheet["tested"]
    }


def _condition(name: str, found: Mapping[str, Any], rendition: str) -> Condition:
    look = {key: found[key] for key in ("scale", "rotate", "blur") if key in found}
    return Condition(name, found.get("rendition", rendition), found.get("noise_db"), look)


def sounds(audio_sheet: Mapping[str, Any]) -> dict[str, Sound]:
    """Return the sounds that training, validation and the conditions need, by name.

    Args:
        audio_sheet: the `audio_sheet` section of the configuration.
    """
    wanted: dict[tuple[str, float | None], set[str]] = {}
    for rendition in audio_sheet["train"]:
        wanted.setdefault((rendition, None), set()).add("train")
    wanted.setdefault((audio_sheet["valid"], None), set()).add("valid")
    for condition in conditions(audio_sheet).values():
        wanted.setdefault((condition.rendition, condition.noise_db), set()).add("test")
    found = [
        Sound(rendition, noise_db, tuple(sorted(folds)))
        for (rendition, noise_db), folds in wanted.items()
    ]
    return {sound.name: sound for sound in sorted(found, key=lambda sound: sound.name)}


def folds_of_rendition(audio_sheet: Mapping[str, Any], rendition: str) -> list[str]:
    """Return the folds whose pieces are synthesised in a rendition.

    The validation rendition is heard for all pieces: it is what strips are checked against.
    """
    if rendition == audio_sheet["valid"]:
        return ["train", "valid", "test"]
    found = sounds(audio_sheet).values()
    return sorted({fold for one in found if one.rendition == rendition for fold in one.folds})


def check_sounds(audio_sheet: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the names of renditions, soundfonts and conditions."""
    renditions = audio_sheet["renditions"]
    wanted = [("train", name, "renditions") for name in audio_sheet["train"]]
    wanted += [("tested", name, "conditions") for name in audio_sheet["tested"]]
    wanted.append(("valid", audio_sheet["valid"], "renditions"))
    wanted += [
        (f"conditions.{condition}.rendition", found["rendition"], "renditions")
        for condition, found in audio_sheet["conditions"].items()
        if "rendition" in found
    ]
    wanted += [
        (f"renditions.{rendition}.soundfont", found["soundfont"], "soundfonts")
        for rendition, found in renditions.items()
        if "soundfont" in found
    ]
    for place, name, section in wanted:
        if name not in audio_sheet[section]:
            near = difflib.get_close_matches(name, audio_sheet[section], n=1, cutoff=0.0)
            yield (
                f"audio_sheet.{place}: no {name!r} in audio_sheet.{section}; "
                f"the nearest is {near[0]!r}"
                if near
                else f"audio_sheet.{place}: audio_sheet.{section} is empty, {name!r} is needed"
            )
