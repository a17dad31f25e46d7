"""Presets: the settings of a well-known source, as one file that a user can copy and change."""

import tomllib
from collections.abc import Collection, Mapping
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
