"""Every format of market data that is read: how to recognise it, how to look into it, which markets it makes.

A format is a package with a ``READER``. A new one of ours is a folder here and a line in ``_PACKAGES``; one of
somebody else is a package installed with an entry point in the group ``twin_env.readers``.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, runtime_checkable

from twin_env.config import Config
from twin_env.market.data.inspection import Inspection, InspectOptions
from twin_env.market.data.tape import TapeError

if TYPE_CHECKING:
    from twin_env.market.data.tape import Tape

GROUP: Final = "twin_env.readers"
"""Group of the entry points by which installed packages add a reader: ``name = "package:READER"``."""
_PACKAGES: Final = ("databento", "lobster", "binance", "columns", "led")
"""Asked in this order: formats with a signature of their own come before tables of text."""


class History(Config):
    """Where the files of a history are: base of the models that a market's ``source`` can be.

    A model has a field ``model: Literal["..."]``, by which configurations choose it.

    Attributes:
        leads_flow: Whether the history tells prices alone, so that a synthetic flow has to make the orders.
        model: Which history it is.
    """

    leads_flow: ClassVar[bool] = False
    model: str

    def read(self, tick_size: float) -> "Tape":
        """Make the tape, or open the one an earlier call left in the cache.

        Args:
            tick_size: Of the instrument, in the quote currency.

        Raises:
            TapeError: A file is missing, damaged, or holds what cannot be.
        """
        raise NotImplementedError(f"{type(self).__name__} has no read, expected every history to make its tape")


class Source(Protocol):
    """What makes markets. Modules are imported when first needed: parsers are not everybody's to pay for."""

    def histories(self) -> tuple[type[History], ...]:
        """Return the models of the markets that it makes."""
        ...


@runtime_checkable
class Reader(Source, Protocol):
    """A source with files of its own format.

    Attributes:
        name: What users are told that it reads.
    """

    name: str

    def sniff(self, path: Path, options: InspectOptions) -> bool:
        """Tell from name and first bytes whether a file is of this format, unless the options say otherwise.

        Must not raise.
        """
        ...

    def inspect(self, path: Path, options: InspectOptions) -> Inspection:
        """Look into a file of this format.

        Raises:
            TapeError: The file is broken.
        """
        ...


@cache
def sources() -> tuple[Source, ...]:
    """Return all sources, those of installed packages first: whoever installed one means it.

    Raises:
        ImportError: The reader of an installed package cannot be imported.
    """
    own: Iterator[Source] = (import_module(f"{__package__}.{name}").READER for name in _PACKAGES)
    return (*_installed(), *own)


def readers() -> tuple[Reader, ...]:
    """Return the sources that have files of their own format."""
    return tuple(source for source in sources() if isinstance(source, Reader))


def _installed() -> Iterator[Source]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            yield point.load()
        except (ImportError, AttributeError) as error:
            raise ImportError(
                f"entry point {point.name} of group {GROUP} is {point.value}, which cannot be imported ({error}), "
                "expected a reader of market data"
            ) from error


def histories() -> tuple[type[History], ...]:
    """Return the models of all histories that a market can be made of."""
    return tuple(model for source in sources() for model in source.histories())


def find_reader(path: Path, options: InspectOptions | None = None) -> Reader:
    """Return the reader of a file; one whose columns the user explained is a table.

    Raises:
        TapeError: There is no such file, or it is of no format that is read.
    """
    if not path.is_file():
        raise TapeError(f"{path}: no such file, expected market data")
    options = options or InspectOptions()
    for reader in readers():
        if reader.sniff(path, options):
            return reader
    raise TapeError(f"{path}: format is not known, expected one of: {', '.join(reader.name for reader in readers())}")


def inspect_file(path: Path, options: InspectOptions | None = None) -> Inspection:
    """Look into a file of any format that is read.

    Raises:
        TapeError: The file is missing, unknown or broken.
    """
    options = options or InspectOptions()
    return find_reader(path, options).inspect(path, options)
