"""Where a world's own messages come from: a synthetic flow, a tape, or a flow that a tape leads."""

from typing import Any, Final

from twin_env.core.flow.anchored import next_anchored, start_anchored
from twin_env.core.flow.poisson import next_poisson, start_poisson
from twin_env.core.flow.price_impact import ANONYMOUS, shift_at
from twin_env.core.state import codes
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import NONE

NO_FLOW: Final = 0
POISSON_FLOW: Final = 1
TAPE_FLOW: Final = 2
ANCHORED_FLOW: Final = 3


@kernel
def start_flow(world: Any) -> None:
    """Begin the synthetic flow of a world at its present time."""
    if world.flow_kind == POISSON_FLOW:
        start_poisson(world)
    elif world.flow_kind == ANCHORED_FLOW:
        start_anchored(world)


@kernel
def next_message(world: Any, tape: Any, until_ns: int) -> bool:
    """Put the market's next own message into the exchange's inbox, if one is due by ``until_ns``.

    Args:
        world: One world; its time becomes the message's.
        tape: ``layout.MESSAGE`` array the world plays; length 0 if it plays none.
        until_ns: Messages later than this wait.

    Returns:
        Whether there was one. A tape goes before the flow it leads.
    """
    kind = world.flow_kind
    world.price_impact.sender = ANONYMOUS
    world.trader = codes.UNKNOWN_TRADER
    while True:
        row = world.tape_row
        tape_ns = tape[row].ts_ns if kind >= TAPE_FLOW and row < tape.shape[0] else codes.NEVER_NS
        if kind == ANCHORED_FLOW and next_anchored(world, min(until_ns, tape_ns - 1)):
            return True
        if kind == POISSON_FLOW:
            return next_poisson(world, until_ns)
        if tape_ns > until_ns:
            return False
        world.tape_row += 1
        world.now_ns = tape_ns
        if tape[row].kind != codes.ANCHOR:
            world.inbox = tape[row]
            world.inbox.row = NONE  # whatever a file says, a history's messages are not the desk's
            if kind == TAPE_FLOW and world.price_impact.participants > 0:
                _shift(world)
            return True
        world.efficient_price.follows_history = 1
        world.efficient_price.efficient_ticks = 0.5 * tape[row].price


@kernel
def _shift(world: Any) -> None:
    """Move the price of a history's message as far as trades that history does not contain have moved the market."""
    message = world.inbox
    shift = shift_at(world, world.now_ns)
    if shift != 0 and (message.kind == codes.NEW or (message.kind >= codes.REPLACE and message.kind <= codes.PRINT)):
        message.price += shift
        world.divergence.shifted_rows += 1
