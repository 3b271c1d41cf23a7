"""What a result was made with: versions, revision, machine."""

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = ("twin-env", "gymnasium", "numpy", "numba", "stable-baselines3", "torch", "tensorboard", "pydantic")
_ROOT: Final = Path(__file__).resolve().parent.parent


def describe_provenance(seed: int, command: Sequence[str]) -> dict[str, Any]:
    """Return seed, command, versions of what matters, the source's revision and the machine, ready for JSON."""
    return {
        "seed": seed,
        "command": list(command),
        "git_commit": _git("rev-parse", "HEAD"),
        "git_modified": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """Ask git about the source; ``None`` where there is no git or no repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
