"""Ways to play a piece: soundfont, program, tempo and transposition, by the names of the config."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ugaar.errors import ConfigError, ToolError
from ugaar.render.batch import Failure
from ugaar.render.soundfont import SoundFont, default_path, open_soundfont, sample_bytes

DEFAULT_SOUNDFONT = "timgm6mb"
PACKAGES = {"FluidR3_GM.sf2": "fluid-soundfont-gm"}
"""Debian packages of soundfonts that are not inside a Python package."""

HIGHEST_PITCH = 127


@dataclass(frozen=True)
class Rendition:
    """A way to play pieces.

    Attributes:
        name: its name in the config.
        soundfont: name of its soundfont in the config.
        font: that soundfont, checked.
        program: General MIDI program.
        tempo: factor; onsets and durations are divided by it.
        transpose: semitones added to every pitch.
    """

    name: str
    soundfont: str
    font: SoundFont
    program: int
    tempo: float
    transpose: int

    def play(self, row: Mapping[str, Any]) -> dict[str, Any] | Failure:
        """Return a piece as it is played, or why it cannot be.

        Args:
            row: a piece with pitch, onset_s and duration_s.

        Returns:
            The row with pitches and times of this rendition.
        """
        pitches = [pitch + self.transpose for pitch in row["pitch"]]
        if not 0 <= min(pitches) <= max(pitches) <= HIGHEST_PITCH:
            return Failure(
                "pitch-out-of-range",
                f"transposed by {self.transpose} it reaches from pitch {min(pitches)} to "
                f"{max(pitches)}; MIDI has 0 to {HIGHEST_PITCH}",
            )
        return {
            **row,
            "pitch": pitches,
            "onset_s": [onset / self.tempo for onset in row["onset_s"]],
            "duration_s": [duration / self.tempo for duration in row["duration_s"]],
        }


def rendition_of(
    name: str,
    renditions: Mapping[str, Mapping[str, Any]],
    soundfonts: Mapping[str, Mapping[str, Any]],
    program: int,
) -> Rendition:
    """Return a rendition of the config with its soundfont opened and checked.

    Args:
        name: its name.
        renditions: config audio_sheet.renditions.
        soundfonts: config audio_sheet.soundfonts.
        program: General MIDI program of renditions that name none.

    Raises:
        ConfigError: no such rendition or soundfont, or two names for one soundfont.
        ToolError: the soundfont is missing, damaged, or another file than the config says.
    """
    chosen = _named(name, renditions, "audio_sheet.renditions")
    font_name = chosen.get("soundfont", DEFAULT_SOUNDFONT)
    font = open_named(font_name, soundfonts)
    refuse_twins(font_name, font, soundfonts)
    return Rendition(
        name,
        font_name,
        font,
        chosen.get("program", program),
        chosen.get("tempo", 1.0),
        chosen.get("transpose", 0),
    )


def open_named(name: str, soundfonts: Mapping[str, Mapping[str, Any]]) -> SoundFont:
    """Open a soundfont of the config and hold its hash against the one that is given there.

    Raises:
        ConfigError: no such soundfont.
        ToolError: it is missing, damaged, or another file than the config says.
    """
    key = f"audio_sheet.soundfonts.{name}"
    chosen = _named(name, soundfonts, "audio_sheet.soundfonts")
    path, wanted = chosen["path"], chosen["sha256"]
    if path and not Path(path).is_file():
        package = PACKAGES.get(Path(path).name)
        remedy = f"apt-get install {package}, or " if package else ""
        raise ToolError(
            f"{path}: no such soundfont ({key}); {remedy}give the path of the file there"
        )
    font = open_soundfont(path)
    if font.sha256 != wanted:
        raise ToolError(
            f"{font.path}: sha256 is {font.sha256}, but {key} says {wanted}; get the named file, "
            "or put the sha256 of this one there"
        )
    return font


def refuse_twins(name: str, font: SoundFont, soundfonts: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `ConfigError` where another name has the same samples: it would not be unseen.

    Files may differ in a comment and still be one font, so the samples are compared.
    """
    own = hashlib.sha256(sample_bytes(font.path)).digest()
    for other, chosen in soundfonts.items():
        path = Path(chosen["path"]) if chosen["path"] else default_path()
        if other == name or not path.is_file():
            continue
        if hashlib.sha256(sample_bytes(path)).digest() == own:
            raise ConfigError(
                f"audio_sheet.soundfonts: {name} and {other} have the same samples, so one is not "
                "unseen to who has heard the other; keep one of them"
            )


def _named(name: str, section: Mapping[str, Mapping[str, Any]], where: str) -> Mapping[str, Any]:
    if name not in section:
        near = difflib.get_close_matches(name, section, n=1, cutoff=0.0)
        raise ConfigError(f"{where}: no {name!r}; the nearest is {near[0] if near else 'none'!r}")
    return section[name]
