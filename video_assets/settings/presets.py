"""Presets: the settings of a well-known source, as one file that a user can copy and change."""

import tomllib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def read_preset(name: str, folder: Path, allowed: Collection[str]) -> Mapping[str, Any]:
    """The settings that a preset makes.

    Args:
        name: of a preset that comes along, or the path of an own file.
        folder: where those are that come along.
        allowed: settings that a preset may make.

    Raises:
        ValueError: there is no such preset, it is no TOML, or it makes another setting.
    """
    ready = {path.stem: path for path in folder.glob("*.toml")}
    path = ready.get(name) or Path(name).expanduser()
    try:
        declared = tomllib.loads(path.read_text("utf-8"))
    except OSError:
        raise ValueError(
            f"is neither a preset ({', '.join(sorted(ready))}) nor a file that can be read"
        ) from None
    except ValueError as error:
        raise ValueError(f"{path} is no TOML file: {error}") from None
    unknown = sorted(set(declared) - set(allowed))
    if unknown:
        raise ValueError(f"{path} makes {unknown}; a preset may make {sorted(allowed)}")
    return declared


def readable(name: str | None, preset: Callable[[str], object]) -> str | None:
    """The name of a preset, or none, once that preset was read.

    Raises:
        ValueError: as `read_preset`.
    """
    if name:
        preset(name)
    return name


def filled_in(values: Any, field: str, preset: Callable[[str], Mapping[str, Any]]) -> Any:
    """Settings with those of the preset that one of them names; what is set itself holds.

    Args:
        values: what a model is made of.
        field: the setting that names a preset.
        preset: what a preset of a name makes. What cannot be read is left to the validator of the
            field, whose error names the setting.
    """
    name = values.get(field) if isinstance(values, dict) else None
    with suppress(ValueError):
        return {**preset(name), **values} if name else values
    return values
