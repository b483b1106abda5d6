"""Which audio-sheet systems there are and what a configuration asks of them; imports no network.

A system is a module of `ugaar.models.systems` with a literal dict OPTIONS: its own options with
their defaults, and values of keys of `audio_sheet.training` where it wants others; and a literal
FRONT_END, the name of the spectrogram it hears. A literal dict CHOICES may list the values that an
option of text can have.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ugaar.digest import constant_of
from ugaar.errors import ConfigError

PACKAGE = "ugaar.models.systems"
_FOLDER = Path(__file__).resolve().parent / "models" / "systems"


@dataclass(frozen=True)
class SystemPlan:
    """A system of the configuration with every value filled in.

    Attributes:
        name: its name in the configuration.
        model: module below `ugaar.models.systems`.
        options: a value for each option of the module.
        training: a value for each key of `audio_sheet.training`.
    """

    name: str
    model: str
    options: dict[str, Any]
    training: dict[str, Any]

    @property
    def module(self) -> str:
        """The dotted name of the module."""
        return f"{PACKAGE}.{self.model}"


def known_models() -> list[str]:
    """Return the modules that are systems, by name."""
    return sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__")


def options_of(model: str) -> dict[str, Any]:
    """Return the OPTIONS of a module.

    Raises:
        ConfigError: there is no such module, or it has no literal OPTIONS.
    """
    known = known_models()
    if model not in known:
        raise ConfigError(
            f"model {model!r} is not known; the modules in {_FOLDER} are {', '.join(known)}"
        )
    return dict(_constant(model, "OPTIONS", dict))


def front_end_of(model: str) -> str:
    """Return the spectrogram front end of a module, its constant FRONT_END.

    Raises:
        ConfigError: there is no such module, or it has no literal FRONT_END.
    """
    options_of(model)
    return _constant(model, "FRONT_END", str)


def _choices_of(model: str) -> Mapping[str, Any]:
    try:
        return _constant(model, "CHOICES", dict)
    except ConfigError:
        return {}


def _constant(model: str, name: str, kind: type) -> Any:  # noqa: ANN401
    try:
        found = constant_of(f"{PACKAGE}.{model}", name)
    except (KeyError, ValueError) as error:
        raise ConfigError(f"model {model!r}: its module has no plain {name}") from error
    if not isinstance(found, kind):
        raise ConfigError(f"model {model!r}: {name} of its module is no {kind.__name__}")
    return found


def plan_system(audio_sheet: Mapping[str, Any], name: str) -> SystemPlan:
    """Return what a system is built and trained with.

    What the configuration says of the system counts most, then what its module says, then
    `audio_sheet.training`.

    Args:
        audio_sheet: with `training` and `systems`.
        name: a key of `systems`.

    Raises:
        ConfigError: the system, its module or one of its options is not known, or a value is not
            of the default's kind.
    """
    systems = audio_sheet["systems"]
    if name not in systems:
        raise ConfigError(
            f"audio_sheet.systems has no {name!r}; there are {', '.join(sorted(systems))}"
        )
    own = {key: value for key, value in systems[name].items() if key != "model"}
    place, model = f"audio_sheet.systems.{name}", systems[name]["model"]
    try:
        defaults = options_of(model)
        choices = _choices_of(model)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error
    training = audio_sheet["training"]
    known = {**training, **defaults}
    for key, value in own.items():
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)[0]
            raise ConfigError(
                f"{place}: unknown option {key!r}; the nearest one that model {model!r} or the "
                f"training has is {near!r}"
            )
        _check_value(f"{place}.{key}", value, known[key], choices.get(key))
    merged = {**known, **own}
    return SystemPlan(
        name,
        model,
        {key: value for key, value in merged.items() if key not in training},
        {key: merged[key] for key in training},
    )


def _check_value(place: str, value: object, default: object, choices: list[Any] | None) -> None:
    if choices is not None and value not in choices:
        raise ConfigError(f"{place}: {value!r} is not one of {', '.join(map(repr, choices))}")
    if not _alike(value, default):
        raise ConfigError(f"{place}: {value!r} is not like its default, {default!r}")


def _alike(value: object, default: object) -> bool:
    """Return whether a value has the kind of the default: a whole number may stand for a real."""
    if isinstance(default, list):
        return (
            isinstance(value, list)
            and len(value) == len(default)
            and all(_alike(one, other) for one, other in zip(value, default, strict=True))
        )
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def check_systems(audio_sheet: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the systems of the `audio_sheet` section."""
    for name in audio_sheet["systems"]:
        try:
            plan_system(audio_sheet, name)
        except ConfigError as error:
            yield str(error)
    for name in audio_sheet["trained"] or ():
        if name not in audio_sheet["systems"]:
            near = difflib.get_close_matches(name, audio_sheet["systems"], n=1, cutoff=0.0)[0]
            yield (
                f"audio_sheet.trained: no {name!r} in audio_sheet.systems; the nearest is {near!r}"
            )
