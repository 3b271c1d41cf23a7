"""Write a file whole, or not at all."""

import os
from pathlib import Path


class OutputError(ValueError):
    """A file that cannot be written."""


def write_text(path: Path, text: str) -> None:
    """Write a text file, and the folders above it; whoever reads ``path`` finds it whole, before or after.

    Raises:
        OutputError: It cannot be written; nothing is left behind.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(text, encoding="utf-8")
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}), expected a file in a folder that can be written to."
        ) from None
