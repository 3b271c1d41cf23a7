"""Amounts of a draft as values of a fault's fields: units resolved, guesses told, everything else refused."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from twin_env.chaos.author.context import Context
from twin_env.chaos.author.draft import SIZE_UNITS, TIME_UNITS, Amount
from twin_env.chaos.author.slots import is_size
from twin_env.chaos.quantity import Quantity

SECONDS: Final[Mapping[str, float]] = MappingProxyType({"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0})
SPOKEN: Final[Mapping[str, str]] = MappingProxyType(
    {"percent": "%", "usd_per_contract": "USD per contract", "times": "times", "per_s": "per second", "none": ""}
)
LARGEST: Final = 1e9
_PERCENT: Final = 100.0
_MS: Final = 1000.0
_DIGITS: Final = 12  # 0.1 + 0.2 seconds are 0.3
Notes = list[str]
Reader = Callable[[Amount, Context, Notes], Any]


class RefusedError(ValueError):
    """An amount, or a time, that no field can take; one sentence without a full stop."""


def spoken(amount: Amount) -> str:
    """Return an amount as a person writes it."""
    if amount.unit == "dollars":
        return f"${amount.value:g}"
    return f"{amount.value:g} {SPOKEN.get(amount.unit, amount.unit)}".strip()


def read_seconds(amount: Amount, notes: Notes) -> float:
    """Return a time in seconds.

    Raises:
        RefusedError: It has a sign, or no unit of time.
    """
    _need_sign(amount)
    if amount.unit not in TIME_UNITS:
        raise RefusedError(f"{spoken(amount)!r} is no time, expected a unit such as ms, seconds or minutes")
    return round(amount.value * SECONDS[amount.unit], _DIGITS)


def read_size(amount: Amount, context: Context, notes: Notes) -> Quantity:
    """Return a distance between prices, and say how it was read.

    Raises:
        RefusedError: It has a sign, no unit of price, or is no whole number of ticks.
    """
    _need_sign(amount)
    if amount.unit not in SIZE_UNITS:
        raise RefusedError(f"{spoken(amount)!r} has no unit of price, expected points, ticks, percent, bps, $ or sigma")
    if not 0 < amount.value <= LARGEST:
        raise RefusedError(f"{spoken(amount)!r} is no move, expected more than 0 and at most {LARGEST:g}")
    unit = "points" if amount.unit == "dollars" else amount.unit
    size = Quantity.model_validate({"value": amount.value, "unit": unit})
    if size.unit in ("points", "ticks"):
        _note_ticks(amount, size, context, notes)
    elif size.unit not in ("bps", "percent") or context.price:
        notes.append(f"'{spoken(amount)}' read as about {_ticks(size, context):g} ticks of {context.symbol}.")
    return size


def _note_ticks(amount: Amount, size: Quantity, context: Context, notes: Notes) -> None:
    try:
        ticks = size.ticks(context.scale)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    points = f"{ticks * context.tick_size:.10g}"
    points += "" if "." in points or "e" in points else ".0"
    if amount.unit == "dollars":
        notes.append(f"'{spoken(amount)}' read as {amount.value:g} points of price, not profit and loss.")
    notes.append(f"'{spoken(amount)}' read as {points} {_price_unit(context)} = {ticks} ticks.")


def _price_unit(context: Context) -> str:
    return f"{context.currency} per ounce" if context.symbol in ("MGC", "GC") else f"{context.currency} of price"


def _ticks(size: Quantity, context: Context) -> int:
    return size.ticks(context.scale)


def _need_sign(amount: Amount) -> None:
    if amount.value < 0:
        raise RefusedError(
            f"{spoken(amount)!r} is negative, expected a size above 0: directions are words such as down"
        )


def _read_time_s(amount: Amount, context: Context, notes: Notes) -> float:
    return read_seconds(amount, notes)


def _read_time_ms(amount: Amount, context: Context, notes: Notes) -> float:
    return round(read_seconds(amount, notes) * _MS, _DIGITS)


def _read_share(amount: Amount, context: Context, notes: Notes) -> float:
    _need_sign(amount)
    if amount.unit == "percent":
        return round(amount.value / _PERCENT, _DIGITS)
    if amount.unit == "none" and amount.value <= 1:
        notes.append(f"'{amount.value:g}' read as a share, that is {amount.value:.4g} of 1.")
        return amount.value
    raise RefusedError(f"{spoken(amount)!r} is no share, expected a percentage")


def _read_multiple(amount: Amount, context: Context, notes: Notes) -> float:
    _need_sign(amount)
    if amount.unit == "percent":
        notes.append(f"'{spoken(amount)}' read as {amount.value / _PERCENT:g} times the usual.")
        return round(amount.value / _PERCENT, _DIGITS)
    if amount.unit != "times":
        raise RefusedError(f"{spoken(amount)!r} is no multiple of the usual, expected a number with 'x' or 'times'")
    return amount.value


def _read_rate(amount: Amount, context: Context, notes: Notes) -> float:
    _need_sign(amount)
    if amount.unit != "per_s":
        raise RefusedError(f"{spoken(amount)!r} is no rate, expected a number 'per second'")
    return amount.value


def _read_lots(amount: Amount, context: Context, notes: Notes) -> float:
    _need_sign(amount)
    if amount.unit != "lots":
        raise RefusedError(f"{spoken(amount)!r} is no size of an order or position, expected lots")
    return amount.value


def _read_count(amount: Amount, context: Context, notes: Notes) -> float:
    _need_sign(amount)
    if amount.unit not in ("count", "none"):
        raise RefusedError(f"{spoken(amount)!r} is no count, expected a bare number")
    return amount.value


def _read_ticks(amount: Amount, context: Context, notes: Notes) -> int:
    return read_size(amount, context, notes).ticks(context.scale)


_READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "probability": _read_share,
        "fraction": _read_share,
        "recovery.fraction": _read_share,
        "makers_left": _read_share,
        "herding": _read_share,
        "refill_multiple": _read_share,
        "toxicity": _read_share,
        "messages_per_s": _read_rate,
        "lots": _read_lots,
        "limit_lots": _read_lots,
        "wall_lots": _read_lots,
        "bursts": _read_count,
        "levels": _read_count,
        "offset_ticks": _read_ticks,
    }
)


def read_field(field: str, amount: Amount, context: Context, notes: Notes) -> Any:
    """Return the value of a fault's field.

    Raises:
        RefusedError: The amount cannot be one.
    """
    if is_size(field):
        return read_size(amount, context, notes).model_dump()
    reader = _READERS.get(field)
    if reader is None:
        reader = _read_time_s if field.endswith("_s") else _read_time_ms if field.endswith("_ms") else _read_multiple
    return reader(amount, context, notes)
