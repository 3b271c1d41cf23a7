"""When a drafted fault begins, as an experiment says it: zones, opening ranges, sessions and missing hours checked."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from twin_env.chaos.author.amounts import Notes, RefusedError, read_seconds, read_size, spoken
from twin_env.chaos.author.context import Context
from twin_env.chaos.author.draft import Amount, DraftedTime
from twin_env.market.day import ORB_END, ORB_START
from twin_env.market.moments import find_zone, moment_ns, read_time

_RANGES: Final = (ORB_START, ORB_END)
_INTO_S: Final = 60.0
_EVE_S: Final = 60.0
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_WINTER_AND_SUMMER: Final = (date(2025, 1, 15), date(2025, 7, 16))  # Wednesdays: clocks differ by season


def read_when(drafted: DraftedTime, lasts_s: float, names: list[str], context: Context, notes: Notes) -> dict[str, Any]:
    """Return the keys of a fault's ``when``.

    Args:
        drafted: As the author has it.
        lasts_s: How long the fault is on.
        names: What the faults are called.
        context: The market.
        notes: Takes what was read into the words.

    Raises:
        RefusedError: There is no such time.
    """
    delay_s = read_seconds(drafted.delay, notes) if drafted.delay else None
    if drafted.at in ("with", "after"):
        return _fault_time(drafted, delay_s or 0.0, names)
    readers = {"clock": _clock_time, "anchor": _anchor_time, "event": _event_time}
    if drafted.at in readers:
        return readers[drafted.at](drafted, delay_s, lasts_s, context, notes)
    if drafted.at == "every":
        return _every_time(drafted, delay_s)
    if drafted.at == "random":
        return {"at": "random", "to_s": _need(delay_s, "a random time", "how late it may be at most")}
    if drafted.at == "start":
        notes.append("No time was given, so it begins with the run.")
    return {"at": "offset", "seconds": delay_s or 0.0}


def read_zone(name: str) -> str:
    """Return the IANA name of a zone.

    Raises:
        RefusedError: There is no such zone.
    """
    try:
        find_zone(name)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    return name


def _need(value: Any, what: str, expected: str) -> Any:
    if value is None:
        raise RefusedError(f"{what} was asked for, expected {expected}")
    return value


def _fault_time(drafted: DraftedTime, delay_s: float, names: list[str]) -> dict[str, Any]:
    index = drafted.fault
    if index is None or not 0 <= index < len(names):
        raise RefusedError(
            f"it waits for fault {index}, expected the number of another fault, from 0 to {len(names) - 1}"
        )
    return {"at": drafted.at, "fault": names[index], "delay_s": delay_s}


def _every_time(drafted: DraftedTime, period_s: float | None) -> dict[str, Any]:
    period = _need(period_s, "a fault again and again", "its period, such as 'every 30 seconds'")
    return {"at": "periodic", "period_s": period} | ({"times": drafted.nth} if drafted.nth is not None else {})


def _event_time(
    drafted: DraftedTime, delay_s: float | None, lasts_s: float, context: Context, notes: Notes
) -> dict[str, Any]:
    event = _need(drafted.event, "an event", "one of them")
    nth = 1 if drafted.nth is None else drafted.nth
    when = {"at": "on_event", "event": event, "nth": nth, "delay_s": delay_s or 0.0}
    if event in ("move", "drawdown"):
        amount = _need(drafted.threshold, f"an event {event!r}", "how much of it")
        when["threshold"] = (_move_ticks if event == "move" else _money)(amount, context, notes)
    return when


def _move_ticks(amount: Amount, context: Context, notes: Notes) -> int:
    size = read_size(amount, context, [])
    if size.unit in ("percent", "bps") and not context.price:
        raise RefusedError(f"{spoken(amount)!r} of an unknown price was asked for, expected points or ticks")
    ticks = size.ticks(context.scale)
    notes.append(f"'a move of {spoken(amount)}' read as {ticks} ticks from where the price was when the run started.")
    return ticks


def _money(amount: Amount, context: Context, notes: Notes) -> float:
    if amount.unit != "dollars" or amount.value <= 0:
        raise RefusedError(f"a drawdown of {spoken(amount)!r} was asked for, expected money above 0")
    return amount.value


def _anchor_time(
    drafted: DraftedTime, delay_s: float | None, lasts_s: float, context: Context, notes: Notes
) -> dict[str, Any]:
    known = f"one of {', '.join(context.day.names)}"
    name = _need(drafted.anchor, "a moment of the day", known)
    if name not in context.day.names:
        raise RefusedError(f"{name!r} is no moment of {context.symbol}'s day, expected {known}")
    if name in _RANGES:
        return _range_time(drafted, delay_s, lasts_s, context, notes)
    if drafted.part == "during":
        raise RefusedError(f"{name} is a moment, expected a time at, before or after it")
    offset_s = -(delay_s or _EVE_S) if drafted.part == "before" else delay_s or 0.0
    if name == "session_close" and drafted.part == "at":
        offset_s = -_EVE_S
        notes.append("'at the close' read as 60 s before the session closes, while it still trades.")
    clock = f"{context.day.anchors[name]} {context.day.zone}"
    notes.append(f"'{name}' read as {clock}" + (f", and {_away(offset_s)} it." if offset_s else "."))
    _need_session(context, read_time(context.day.anchors[name]), context.day.zone, None, offset_s, lasts_s)
    return {"at": "anchor", "name": name, "offset_s": offset_s}


def _away(offset_s: float) -> str:
    return f"{abs(offset_s):g} s {'before' if offset_s < 0 else 'after'}"


def _range_time(
    drafted: DraftedTime, delay_s: float | None, lasts_s: float, context: Context, notes: Notes
) -> dict[str, Any]:
    day = context.day
    zone = read_zone(drafted.zone) if drafted.zone and drafted.clock else day.zone
    if drafted.clock is None and ORB_START not in day.anchors:
        raise RefusedError("an opening range was asked for, expected when it starts, such as 'the 10:00 ORB'")
    start = _read_clock(drafted.clock or day.anchors[ORB_START])
    length_s = 60.0 * day.orb_minutes
    name = ORB_END if drafted.anchor == ORB_END or drafted.part == "after" else ORB_START
    offset_s = _range_offset(drafted.part, delay_s, lasts_s, length_s)
    notes += _range_notes(start, zone, name, offset_s, lasts_s, day.orb_minutes)
    _need_session(context, start, zone, None, offset_s + (length_s if name == ORB_END else 0.0), lasts_s)
    when: dict[str, Any] = {"at": "anchor", "name": name, "offset_s": offset_s}
    when |= {"start": start.isoformat("minutes")} if drafted.clock else {}
    return when | ({"zone": zone} if zone != day.zone else {})


def _range_offset(part: str, delay_s: float | None, lasts_s: float, length_s: float) -> float:
    if part == "before":
        return -(delay_s or _EVE_S)
    if part != "during" or delay_s is not None:
        return delay_s or 0.0
    return max(0.0, min(_INTO_S, length_s - lasts_s))


def _range_notes(start: time, zone: str, name: str, offset_s: float, lasts_s: float, minutes: float) -> Notes:
    """Return what was read into an opening range."""
    into = f"{offset_s / 60:g} minute" if offset_s == _INTO_S else f"{offset_s:g} s"
    where = (
        f"begins {into} into it"
        if name == ORB_START and offset_s >= 0
        else (f"begins {_away(offset_s)} its {'end' if name == ORB_END else 'start'}")
    )
    read = (
        f"'{start:%H:%M} ORB' read as the opening range that starts at {start:%H:%M} {zone} and lasts "
        f"{minutes} minutes; the fault {where}."
    )
    goes_on = name == ORB_START and offset_s >= 0 and offset_s + lasts_s > 60 * minutes
    return [read, f"The fault lasts {lasts_s:g} s and so goes on after the opening range."] if goes_on else [read]


def _read_clock(text: str) -> time:
    try:
        return read_time(text)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def _clock_time(
    drafted: DraftedTime, delay_s: float | None, lasts_s: float, context: Context, notes: Notes
) -> dict[str, Any]:
    clock = _read_clock(_need(drafted.clock, "a time of day", "it as HH:MM"))
    zone = read_zone(drafted.zone or context.clock_zone)
    if not drafted.zone:
        notes.append(f"'{clock:%H:%M}' read as {clock:%H:%M} {zone}, as no zone was given.")
    day = _read_day(drafted.day)
    if day:
        _need_once(day, clock, zone)
    if delay_s:
        clock = _moved(clock, -delay_s if drafted.part == "before" else delay_s)
    elif drafted.part == "before":
        raise RefusedError(f"a time before {clock:%H:%M} was asked for, expected how long before")
    _need_session(context, clock, zone, day, 0.0, lasts_s)
    when: dict[str, Any] = {"at": "clock", "time": clock.isoformat(), "zone": zone}
    return when | ({"day": day.isoformat()} if day else {})


def _moved(clock: time, by_s: float) -> time:
    if by_s != int(by_s):
        raise RefusedError(f"{by_s:g} s from a time of day was asked for, expected whole seconds")
    moved = datetime.combine(date(2025, 1, 15), clock) + timedelta(seconds=by_s)
    if moved.date() != date(2025, 1, 15):
        raise RefusedError(f"{by_s:g} s from {clock:%H:%M} is another day, expected a time of the same day")
    return moved.time()


def _read_day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise RefusedError(f"day is {text!r}, expected a date such as 2025-06-02") from None


def _need_once(day: date, clock: time, zone: str) -> None:
    try:
        moment_ns(day, clock, zone)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def _need_session(context: Context, clock: time, zone: str, day: date | None, offset_s: float, lasts_s: float) -> None:
    """Refuse what begins while the market is closed, or is on when it closes; without a day, in any season."""
    if not {"session_open", "session_close"} <= set(context.day.anchors):
        return
    for one in [day] if day else _WINTER_AND_SUMMER:
        begins = datetime.combine(one, clock, ZoneInfo(zone)).astimezone(UTC) + timedelta(seconds=offset_s)
        local = begins.astimezone(ZoneInfo(context.day.zone))
        until_s = _open_for_s(local, context, dated=day is not None)
        if until_s <= lasts_s:
            _refuse_closed(local, until_s, lasts_s, context)


def _open_for_s(local: datetime, context: Context, *, dated: bool) -> float:
    """Return for how many seconds the session goes on; 0 while it is closed."""
    opens, closes = (read_time(context.day.anchors[name]) for name in ("session_open", "session_close"))
    now, end = local.replace(tzinfo=None), datetime.combine(local.date(), closes)
    if opens < closes:
        closed = now.time() < opens or now.time() >= closes or (dated and now.weekday() >= _SATURDAY)
        return 0.0 if closed else (end - now).total_seconds()
    if closes <= now.time() < opens or (dated and _is_weekend(now, opens, closes)):
        return 0.0
    return ((end if now < end else end + timedelta(days=1)) - now).total_seconds()


def _is_weekend(now: datetime, opens: time, closes: time) -> bool:
    day, clock = now.weekday(), now.time()
    return day == _SATURDAY or (day == _FRIDAY and clock >= closes) or (day == _SUNDAY and clock < opens)


def _refuse_closed(local: datetime, until_s: float, lasts_s: float, context: Context) -> None:
    anchors, zone = context.day.anchors, context.day.zone
    session = f"{context.symbol} trades from {anchors['session_open']} to {anchors['session_close']} {zone}"
    if until_s == 0:
        raise RefusedError(
            f"{local:%H:%M} {zone} is outside the session, expected another time: {session} on working days"
        )
    raise RefusedError(
        f"{local:%H:%M} {zone} leaves {until_s:g} s of the session for a fault of {lasts_s:g} s: {session}"
    )
