"""Phrases of a sentence that say when: "at 9:30 CT", "during the 10:00 ORB", "while an order is in flight"."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from twin_env.chaos.author.clocks import Clocks
from twin_env.chaos.author.context import Context
from twin_env.chaos.author.draft import NO_TIME, TIME_UNITS, Amount, DraftedTime
from twin_env.chaos.author.numbers import Amounts
from twin_env.market.day import ORB_END, ORB_START

_M: Final = r"<m(?P<delay>\d+)>"
# An amount after one of these is the fault's own.
FREE: Final = r"(?<!for )(?<!of )(?<!lasting )(?<!lasts )(?<!by )(?<!in )(?<!over )(?<!within )"
_AWAY: Final = (
    rf"(?:{FREE}{_M} (?:(?P<into>in|into)|(?P<later>after)|(?P<before>before)) |"
    r"(?P<part>at|during|in the middle of|throughout|in|within|inside|on|after|before|from|around|starting at|"
    r"beginning at)(?: about)? )?"
)
_ORDER: Final = r"(?:(?:an?|the|my) )?(?:own )?order(?:s)?"
_WHILE: Final = r"\b(?:while|when|if|as soon as|as|once|after|during|with|on|upon) "
_EVENTS: Final = (
    ("order_in_flight", rf"{_WHILE}(?:i have |there is )?{_ORDER} (?:is |are |being )?in ?flight"),
    ("order_resting", rf"{_WHILE}(?:i have |there is )?{_ORDER} (?:is |are )?(?:resting|working)(?: in the book)?"),
    ("order_resting", rf"{_WHILE}(?:i have |there is )?an? (?:resting|working) order"),
    (
        "stop_resting",
        (
            rf"{_WHILE}(?:i have |there is )?(?:an? |the |my )?stop(?: loss)?(?: order)? (?:is )?(?:resting|"
            r"working|in place)"
        ),
    ),
    ("first_fill", rf"{_WHILE}(?:the |my )?first fill"),
    (
        "position_open",
        (
            rf"{_WHILE}(?:i have |there is |i am |i'm )?(?:in |holding )?(?:an? |the |"
            r"my )?(?:open position|position is open|position)"
        ),
    ),
)
_MOVED: Final = (
    rf"{_WHILE}(?:an? |the )?(?:price |market )?(?:move|moves) (?:of |by )?<m(?P<size>\d+)>",
    rf"{_WHILE}(?:an? )?<m(?P<size>\d+)> (?:price )?move",
    rf"{_WHILE}(?:the )?(?:price|market|<sym>) (?:moves|has moved) (?:by )?<m(?P<size>\d+)>",
)
_WINDOW: Final = r"(?: (?:in|within|over) (?:less than )?<m(?P<window>\d+)>)?"
_LOST: Final = (
    rf"{_WHILE}(?:an? |my )?drawdown of <m(?P<size>\d+)>",
    rf"{_WHILE}(?:an? )?<m(?P<size>\d+)> drawdown",
    rf"{_WHILE}(?:i lose|i have lost|losing) <m(?P<size>\d+)>",
)
_EDGE: Final = r"(?:the )?(?:(?P<edge>start|beginning|end) of )?(?:the )?"
_RANGE: Final = r"(?:<t(?P<time>\d+)> )?(?:orb|opening range)(?: breakout)?(?: window)?"
_SPOKEN_ANCHORS: Final = {
    "session_open": r"(?:session|globex|evening) open(?:ing)?|(?:start|beginning) of the session",
    "rth_open": r"(?:rth|cash|pit|market|regular) open(?:ing)?|opening(?: bell)?|open",
    "london_fix": r"(?:london )?(?:pm )?fix(?:ing)?",
    "settlement": r"settlement|settle",
    "session_close": r"(?:(?:session|market) )?clos(?:e|ing)(?: bell)?|end of the session",
}


@dataclass(frozen=True)
class Moment:
    """A phrase that says when.

    Attributes:
        begin: Of the phrase in the text.
        end: Of it.
        when: What it says.
        notes: What was read into it.
        window: Number of the amount that says in which time an awaited move must happen.
    """

    begin: int
    end: int
    when: DraftedTime
    notes: tuple[str, ...] = ()
    window: int | None = None


_Reader = Callable[[re.Match[str]], Moment | None]


class MomentFinder:
    """Finds the phrases that say when in one sentence."""

    def __init__(self, amounts: Amounts, clocks: Clocks, context: Context) -> None:
        self.amounts = amounts
        self.clocks = clocks
        self.context = context

    def find(self, text: str) -> list[Moment]:
        """Return the moments of a marked text, in order; what one phrase says is not looked at again."""
        found: list[Moment] = []
        for pattern, read in self._phrases():
            for match in re.finditer(pattern, text):
                moment = read(match)
                if moment and all(match.end() <= one.begin or match.start() >= one.end for one in found):
                    found.append(moment)
        return sorted(found, key=lambda one: one.begin)

    def _phrases(self) -> list[tuple[str, _Reader]]:
        phrases: list[tuple[str, _Reader]] = [(rf"(?<!\w){_AWAY}{_EDGE}{_RANGE}\b", self._range)]
        phrases += [(rf"(?:{FREE}{_M} (?=after\b))?{pattern}\b", self._event(event)) for event, pattern in _EVENTS]
        phrases += [(pattern + _WINDOW, self._event("move")) for pattern in _MOVED]
        phrases += [(pattern, self._event("drawdown")) for pattern in _LOST]
        phrases += [
            (rf"(?<!\w){_AWAY}(?:the )?(?:{names})\b(?! (?:by|with|via|auction|position|order))", self._anchor(anchor))
            for anchor, names in self._anchors().items()
        ]
        clock = r"<t(?P<time>\d+)>"
        phrases += [
            (rf"(?:\bon )?<d(?P<day>\d+)>,? (?:{_AWAY}){clock}", self._clock),
            (rf"(?<!\w){_AWAY}{clock}(?:,? (?:on )?<d(?P<day>\d+)>)?", self._clock),
            (rf"<m(?P<times>\d+)> every {_M}", self._every),
            (rf"\bevery {_M}(?:,? <m(?P<times>\d+)>)?", self._every),
            (rf"\bevery {_M}(?P<times>)", self._every),
            (
                (
                    r"\b(?:at a random time|at random|randomly|some time) (?:in|within|during) (?:the )?(?:first |"
                    rf"next )?{_M}"
                ),
                self._random,
            ),
            (
                (
                    rf"{_M} (?:after|into) (?:the )?(?:start|beginning|run|episode|experiment)(?: of the (?:run|"
                    r"episode|experiment))?"
                ),
                self._offset,
            ),
            (rf"\b(?:starting |beginning )?after {_M}(?! (?:price )?(?:move|drawdown))", self._offset),
            (rf"\bin {_M} from now", self._offset),
        ]
        return phrases

    def _anchors(self) -> dict[str, str]:
        day = self.context.day
        named = {name: name.replace("_", " ") for name in day.anchors if name not in (ORB_START, ORB_END)}
        spoken = {name: f"{words}|{named[name]}" for name, words in _SPOKEN_ANCHORS.items() if name in named}
        return named | spoken

    def _delay(self, match: re.Match[str]) -> tuple[bool, Amount | None]:
        """Return whether what stands there can be a delay, and the delay."""
        groups = match.groupdict()
        if groups.get("delay") is None:
            return True, None
        amount = self.amounts.found[int(groups["delay"])]
        return amount.unit in TIME_UNITS, amount

    def _time(self, **keys: Any) -> DraftedTime:
        return NO_TIME.model_copy(update=keys)

    def _range(self, match: re.Match[str]) -> Moment | None:
        fits, delay = self._delay(match)
        clock = self.clocks.times[int(match["time"])] if match["time"] else None
        anchor = ORB_END if match["edge"] == "end" else ORB_START
        part = self._part(match)
        part = "at" if match["edge"] and part == "during" else part
        when = self._time(
            at="anchor",
            anchor=anchor,
            part=part,
            delay=delay,
            clock=clock.time if clock else None,
            zone=clock.zone if clock else None,
        )
        return self._moment(match, when) if fits else None

    def _part(self, match: re.Match[str]) -> str:
        if match["into"]:
            return "during"
        if match["later"] or match["before"]:
            return "before" if match["before"] else "after"
        if match["part"] in ("during", "in the middle of", "throughout", "in", "within", "inside"):
            return "during"
        return match["part"] if match["part"] in ("after", "before") else "at"

    def _moment(self, match: re.Match[str], when: DraftedTime, *notes: str) -> Moment:
        words = match[0]
        begin = match.start() + len(words) - len(words.lstrip())
        return Moment(begin, match.end(), when, notes)

    def _anchor(self, name: str) -> _Reader:
        def read(match: re.Match[str]) -> Moment | None:
            fits, delay = self._delay(match)
            if not fits or (delay is None and match["part"] is None):
                return None
            part = self._part(match)
            part = "at" if part == "during" else part
            return self._moment(match, self._time(at="anchor", anchor=name, part=part, delay=delay))

        return read

    def _event(self, event: str) -> _Reader:
        def read(match: re.Match[str]) -> Moment | None:
            fits, delay = self._delay(match)
            size = match.groupdict().get("size")
            threshold = self.amounts.found[int(size)] if size else None
            when = self._time(at="event", event=event, nth=1, threshold=threshold, delay=delay)
            window = match.groupdict().get("window")
            moment = self._moment(match, when)
            return replace(moment, window=int(window) if window else None) if fits else None

        return read

    def _clock(self, match: re.Match[str]) -> Moment | None:
        groups = match.groupdict()
        fits, delay = self._delay(match)
        clock = self.clocks.times[int(match["time"])]
        day = self.clocks.days[int(groups["day"])] if groups.get("day") else None
        part = self._part(match)
        notes = [f"'around {clock.words}' read as {clock.words}."] if groups.get("part") == "around" else []
        if part == "after" and delay is None:
            notes.append(f"'after {clock.words}' read as at {clock.words}.")
            part = "at"
        when = self._time(at="clock", clock=clock.time, zone=clock.zone, day=day, part=part, delay=delay)
        return self._moment(match, when, *notes) if fits else None

    def _every(self, match: re.Match[str]) -> Moment | None:
        fits, period = self._delay(match)
        times = match["times"]
        count = self.amounts.found[int(times)] if times else None
        if not fits or (count and (count.unit != "times" or count.value != int(count.value))):
            return None
        return self._moment(match, self._time(at="every", delay=period, nth=int(count.value) if count else None))

    def _random(self, match: re.Match[str]) -> Moment | None:
        fits, delay = self._delay(match)
        return self._moment(match, self._time(at="random", delay=delay)) if fits else None

    def _offset(self, match: re.Match[str]) -> Moment | None:
        fits, delay = self._delay(match)
        return self._moment(match, self._time(at="offset", delay=delay)) if fits else None
