"""Tables on disk: csv, csv.gz, zip or parquet, opened as lazy polars frames with every csv cell still a text."""

import contextlib
import fnmatch
import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from twin_env.market.data.tape import TapeError

if TYPE_CHECKING:
    import polars as pl

Column = str | int
_CHUNK: Final = 1 << 20
_SUFFIXES: Final = ".csv, .csv.gz, .zip or .parquet"


@dataclass(frozen=True)
class Source:
    """One open table.

    Attributes:
        name: For errors: the path, and the member of a zip.
        frame: Its rows; columns of a csv are texts.
        place: What a row is called: "line" of a csv, "row" of a parquet file.
        first: Number of the first row.
    """

    name: str
    frame: "pl.LazyFrame"
    place: str
    first: int

    def column(self, column: Column) -> str:
        """Return the name the frame has for a column given by header or by number from 0.

        Raises:
            TapeError: There is no such column.
        """
        names = self.frame.collect_schema().names()
        if isinstance(column, int) or (column not in names and column.isdigit()):
            if int(column) < len(names):
                return str(names[int(column)])
            raise TapeError(f"{self.name}: column {column} is missing, expected 0 to {len(names) - 1}")
        if column not in names:
            raise TapeError(f"{self.name}: column {column!r} is missing, expected one of {', '.join(names)}")
        return column


@contextlib.contextmanager
def open_table(path: Path, *, member: str | None, header: bool, separator: str) -> Iterator[Source]:
    """Open a table; what is compressed is unpacked to a temporary file, piece by piece.

    Args:
        path: .csv, .csv.gz, .zip with csv members, or .parquet.
        member: Which member of a zip: its name, or a pattern with ``*`` that fits one.
        header: A csv's first line names its columns.
        separator: Between the cells of a csv.

    Raises:
        TapeError: The file is missing, damaged, empty or of another kind.
    """
    if not path.is_file():
        raise TapeError(f"{path}: no such file, expected {_SUFFIXES}")
    with tempfile.TemporaryDirectory(prefix="twin_env_") as folder:
        name, table = _unpack(path, member, Path(folder) / "table.csv")
        place = ("row", 1) if path.suffix == ".parquet" else ("line", 1 + header)
        with reading(name):
            frame = _scan(table, path.suffix == ".parquet", header, separator)
            if not frame.collect_schema().names():
                raise TapeError(f"{name}: 0 rows, expected at least one")
            yield Source(name, frame, *place)


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what polars says of a bad file into a :class:`TapeError`."""
    pl = polars()
    try:
        yield
    except pl.exceptions.NoDataError as error:
        raise TapeError(f"{name}: 0 rows, expected at least one") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise TapeError(f"{name}: cannot be read ({reason}), expected a table of equally long rows") from error


def polars() -> Any:
    """Return the polars module.

    Raises:
        TapeError: It is not installed.
    """
    try:
        import polars as pl
    except ImportError as error:
        raise TapeError("polars is missing, expected it installed: pip install 'twin-env[data]'") from error
    return pl


def _scan(path: Path, parquet: bool, header: bool, separator: str) -> "pl.LazyFrame":
    pl = polars()
    if parquet:
        return pl.scan_parquet(path, glob=False)  # type: ignore[no-any-return]
    return pl.scan_csv(path, has_header=header, separator=separator, infer_schema=False, glob=False)  # type: ignore[no-any-return]


def _unpack(path: Path, member: str | None, target: Path) -> tuple[str, Path]:
    """Return the name for errors, and the plain file, which is ``target`` if ``path`` is compressed."""
    if path.suffix in (".csv", ".parquet"):
        return str(path), path
    if path.suffix == ".zip":
        return _unzip(path, member, target), target
    if path.name.endswith(".csv.gz"):
        with _whole(str(path), "gzip"), gzip.open(path) as source:
            _copy(source, target)
        return str(path), target
    raise TapeError(f"{path}: suffix is {path.suffix!r}, expected {_SUFFIXES}")


def _unzip(path: Path, member: str | None, target: Path) -> str:
    with _whole(str(path), "zip"), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        fitting = [name for name in names if member is None or fnmatch.fnmatch(name, member)]
        if len(fitting) != 1:
            asked = "" if member is None else f" that fit member {member!r}"
            known = ", ".join(names[:30]) or "none"
            raise TapeError(f"{path}: {len(fitting)} csv members{asked}, expected 1 (there are: {known})")
        with archive.open(fitting[0]) as source:
            _copy(source, target)
    return f"{path}:{fitting[0]}"


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK)


@contextlib.contextmanager
def _whole(name: str, kind: str) -> Iterator[None]:
    """Turn what a damaged archive raises into a :class:`TapeError`."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # the last: encrypted
        if isinstance(error, TapeError):
            raise
        raise TapeError(f"{name}: {kind} data are damaged or cut short ({error}), expected a whole file") from error
