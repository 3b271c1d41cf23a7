"""Where presets are: the YAML files of ``configs``, found by folder and name."""

import os
from pathlib import Path
from typing import Final

from twin_env.config.errors import ConfigError, did_you_mean, one_of

_PACKAGE: Final = Path(__file__).resolve().parent.parent
FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")  # an installed copy, a repository
_SUFFIXES: Final = (".yaml", ".yml", ".json")


def is_path(source: str) -> bool:
    """Tell whether a source is the path of a file; other texts are names."""
    return source.endswith(_SUFFIXES) or "/" in source or os.sep in source


def preset_names(folder: str) -> list[str]:
    """Return the names of the presets in ``configs/<folder>``, sorted."""
    return sorted({path.stem for root in FOLDERS for path in (root / folder).glob("*.yaml")})


def find_preset(name: str, folder: str) -> tuple[Path, str]:
    """Return the file of a preset, and how messages call it.

    Raises:
        ConfigError: There is no such preset; the sentence has those there are.
    """
    place = "/".join(filter(None, ("configs", folder)))
    for root in FOLDERS:
        path = root / folder / f"{name}.yaml"
        if path.is_file():
            return path, f"{place}/{name}.yaml"
    names = preset_names(folder)
    raise ConfigError([f"{place}: there is no preset {name!r}{did_you_mean(name, names)}, expected {one_of(names)}."])
