"""DBN files opened: header, symbols, and records as they come, chunk by chunk.

Databento's own parser reads and checks the header. Records are then viewed in place through a NumPy layout: those
of the schemas read here have not changed between versions 1 and 3 of DBN.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state.layout import Dtype
from twin_env.market.data.databento.layouts import LAYOUTS
from twin_env.market.data.tape import TapeError

ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
DBN_MAGIC: Final = b"DBN"

_READ_BYTES: Final = 1 << 18  # of the file at once
_CHUNK_BYTES: Final = 1 << 20  # of records at once
_LISTED: Final = 20  # symbols named in an error


@dataclass(frozen=True)
class DbnHeader:
    """What the header of a DBN file says.

    Attributes:
        path: The file.
        version: Of DBN, as written in the file.
        schema: Name of the schema; "mixed" where the file may hold several.
        dataset: Databento's code of the venue.
        symbols: Symbol of each instrument id, as far as the header knows.
        has_send_time: Whether every record is followed by 8 bytes of time.
    """

    path: Path
    version: int
    schema: str
    dataset: str
    symbols: dict[int, str]
    has_send_time: bool

    def name(self, instrument: int) -> str:
        """Return the symbol of an instrument, or its id."""
        return self.symbols.get(instrument, f"instrument {instrument}")

    def layout(self) -> tuple[Dtype, tuple[int, ...]]:
        """Return layout and record types of the schema.

        Raises:
            TapeError: No reader knows the schema.
        """
        if self.schema not in LAYOUTS:
            raise TapeError(f"{self.path}: schema is {self.schema}, expected one of {', '.join(LAYOUTS)}")
        return LAYOUTS[self.schema]


@dataclass(frozen=True)
class Chunk:
    """Records of one instrument, in file order.

    Attributes:
        records: One of the layouts of this module; read-only, shape ``(n,)``.
        numbers: Place in the file of each of them, counted from 1; int64.
        others: Records of other instruments that were left out since the last chunk.
        strange: Records of another type that were left out since then.
    """

    records: NDArray[np.void]
    numbers: NDArray[np.int64]
    others: int
    strange: int


def is_dbn(path: Path) -> bool:
    """Tell whether a file is DBN, plain or compressed, by its first bytes."""
    with path.open("rb") as file:
        start = file.read(4)
    return start[:3] == DBN_MAGIC or start == ZSTD_MAGIC


def import_parser() -> Any:
    """Return the module ``databento_dbn``.

    Raises:
        TapeError: It is not installed.
    """
    try:
        import databento_dbn
    except ImportError as error:
        raise TapeError("DBN files need databento-dbn, expected it installed: pip install 'twin-env[data]'") from error
    return databento_dbn


def read_header(path: Path) -> DbnHeader:
    """Read the header of a DBN file.

    Raises:
        TapeError: The file is missing, damaged or no DBN file.
    """
    with Source(path) as source:
        return _read_header(path, source)


def _read_header(path: Path, source: "Source") -> DbnHeader:
    parser = import_parser()
    start = source.take(8)
    if start[:3] != DBN_MAGIC or len(start) < 8:
        raise TapeError(f"{path}: starts with {start[:4]!r}, expected a DBN file, plain or compressed with zstd")
    text = source.take(int.from_bytes(start[4:], "little"))
    try:
        metadata = parser.Metadata.decode(start + text)
    except (parser.DBNError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise TapeError(f"{path}: header is damaged or of another version ({reason}), expected DBN 1 to 3") from error
    schema = "mixed" if metadata.schema is None else str(metadata.schema)
    return DbnHeader(path, start[3], schema, metadata.dataset, _symbols(metadata), bool(metadata.ts_out))


def _symbols(metadata: Any) -> dict[int, str]:
    """Return the symbol of each instrument id in a header, whichever way it maps."""
    symbols: dict[int, str] = {}
    for name, intervals in metadata.mappings.items():
        for interval in intervals:
            mapped = str(interval["symbol"])
            if mapped.isdigit():
                symbols[int(mapped)] = name
            elif name.isdigit():
                symbols[int(name)] = mapped
    return symbols


def stream(path: Path, symbol: str | int | None = None) -> Iterator[Chunk]:
    """Read the records of one instrument, chunk by chunk.

    Args:
        path: A DBN file of one schema.
        symbol: Which instrument: symbol or instrument id. Default: the only one there is.

    Raises:
        TapeError: The file is damaged, or several instruments are mixed and none was chosen.
    """
    with Source(path) as source:
        header = _read_header(path, source)
        wanted = None if symbol is None else _find(header, symbol)
        before = others = strange = 0
        for records, skipped in _records(header, source):
            numbers = np.arange(before + 1, before + len(records) + 1)
            before += len(records)
            strange += skipped
            if wanted is None and len(records):
                wanted = int(records["instrument"][0])
            mine = records["instrument"] == wanted
            if symbol is None and not mine.all():
                raise _mixed(header, np.unique(records["instrument"]))
            others += int(len(mine) - mine.sum())
            if mine.any():
                alone = mine.all()
                yield Chunk(records if alone else records[mine], numbers if alone else numbers[mine], others, strange)
                others = strange = 0


def _find(header: DbnHeader, symbol: str | int) -> int:
    """Return the id of the instrument a user named."""
    if isinstance(symbol, int) or symbol.isdigit():
        return int(symbol)
    found = [number for number, name in header.symbols.items() if name == symbol]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(map(str, found))
        raise TapeError(f"{header.path}: symbol {symbol} is instrument {ids} by turns, expected one: choose an id")
    raise TapeError(f"{header.path}: symbol is {symbol}, expected one of {_listed(sorted(header.symbols.values()))}")


def _mixed(header: DbnHeader, seen: NDArray[np.uint32]) -> TapeError:
    names = sorted({*header.symbols.values(), *(header.name(int(number)) for number in seen)})
    return TapeError(f"{header.path}: instruments are mixed, expected one to be chosen with symbol: {_listed(names)}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _records(header: DbnHeader, source: "Source") -> Iterator[tuple[NDArray[np.void], int]]:
    """Yield records of the header's schema, and how many others were between them."""
    layout, types = header.layout()
    size = layout.itemsize + 8 * header.has_send_time
    offsets = [layout.fields[name][1] for name in layout.names or ()] if layout.fields else []
    formats = [layout[name] for name in layout.names or ()]
    padded = np.dtype({"names": list(layout.names or ()), "formats": formats, "offsets": offsets, "itemsize": size})
    for data in source.chunks(header.path):
        whole = len(data) - len(data) % size
        records = np.frombuffer(data[:whole], padded)
        if whole == len(data) and (records["length"] == size // 4).all():
            mine = np.isin(records["rtype"], types)
            yield (records if mine.all() else records[mine]), int(len(mine) - mine.sum())
        else:
            yield _pick(data, padded, types)


def _pick(data: bytes, layout: Dtype, types: tuple[int, ...]) -> tuple[NDArray[np.void], int]:
    """Pick the records of some types out of records of several lengths."""
    starts, place, count = [], 0, 0
    while place < len(data):
        if data[place + 1] in types and 4 * data[place] == layout.itemsize:
            starts.append(place)
        count += 1
        place += 4 * data[place]
    cells = np.array(starts, np.int64)[:, None] + np.arange(layout.itemsize)
    picked = np.frombuffer(data, np.uint8)[cells]
    return np.ascontiguousarray(picked).view(layout).reshape(-1), count - len(starts)


class Source:
    """The bytes of a file, decompressed on the way."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise TapeError(f"{path}: no such file, expected a DBN file")
        self._path = path
        self._file: BinaryIO = path.open("rb")
        compressed = self._file.read(4) == ZSTD_MAGIC
        self._file.seek(0)
        self._parts = self._decompressed() if compressed else self._plain()
        self._rest = b""

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, size: int) -> bytes:
        """Return the next bytes, fewer only at the end."""
        while len(self._rest) < size and (part := next(self._parts, b"")):
            self._rest += part
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def chunks(self, path: Path) -> Iterator[bytes]:
        """Yield all that is left as whole records."""
        while data := self.take(_CHUNK_BYTES):
            whole = _whole(path, data)
            if whole == 0 or (len(data) < _CHUNK_BYTES and whole < len(data)):
                raise TapeError(f"{path}: the last record is cut short, expected a whole file")
            self._rest = data[whole:] + self._rest
            yield data[:whole]

    def _plain(self) -> Iterator[bytes]:
        while part := self._file.read(_READ_BYTES):
            yield part

    def _decompressed(self) -> Iterator[bytes]:
        try:
            import zstandard
        except ImportError as error:
            raise TapeError("zstd needs zstandard, expected it installed: pip install 'twin-env[data]'") from error
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            for part in self._plain():
                while part:
                    if frame.eof:
                        frame = zstandard.ZstdDecompressor().decompressobj()
                    if data := frame.decompress(part):
                        yield data
                    part = frame.unused_data if frame.eof else b""
        except zstandard.ZstdError as error:
            raise TapeError(f"{self._path}: zstd data are damaged ({error}), expected a whole file") from error
        if not frame.eof:
            raise TapeError(f"{self._path}: zstd data are cut short, expected a whole file")


def _whole(path: Path, data: bytes) -> int:
    """Return how many of the bytes are whole records; nearly always all records are equally long."""
    size = 4 * data[0]
    count = len(data) // size if size else 0
    if count and (np.frombuffer(data, np.uint8)[: count * size : size] == data[0]).all():
        return count * size
    place = 0
    while place < len(data) and place + 4 * data[place] <= len(data):
        if data[place] < 4:
            raise TapeError(f"{path}: a record says it is {4 * data[place]} bytes long, expected at least 16")
        place += 4 * data[place]
    return place
