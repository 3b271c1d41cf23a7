"""``TwinTrading-v0``: trade freely through a delayed, reacting market."""

from twin_env.envs.single import TwinEnv
from twin_env.envs.trading.definition import TRADING
from twin_env.envs.vector import TwinVectorEnv


class TwinTradingEnv(TwinEnv):
    """Trade both sides of a live, delayed order book for a window of the session.

    ## Description
    A trader without a position may buy and sell within limits that a risk control watches. Every ``task.step_s``
    seconds the agent says what its orders should do; they meet the market as in ``TwinExecution-v0``. Every order is
    a decision of its own (an *intent*): what decisions would have earned, each filled in full at its desired price when
    its condition came true, is strategy alpha, what became of them on the way is execution alpha, and both sum to the
    net result exactly (docs/alpha.md).

    ## Action Space
    ``action.codec: orders`` (default): ``MultiDiscrete([8, offsets, sizes] * slots)``, three numbers for
    each order slot:

    | Num | Meaning | Values |
    |---|---|---|
    | 0 | choice | 0 keep, 1 cancel, 2 buy limit, 3 sell limit, 4 buy market, 5 sell market, 6 buy stop, 7 sell stop |
    | 1 | price | index into ``action.offsets_ticks`` of a limit, into ``action.stops_ticks`` of a stop |
    | 2 | size | index into ``action.sizes_lots`` |

    *Keep* sends nothing. The same choice for a live order moves or shrinks it (it never grows), *market* of its side
    sends it across the spread, and any other choice cancels it first. ``action.codec: target``: ``Box(-1, 1, (1,))``,
    the position to hold as a share of ``risk.max_position_lots``, rounded to lots; ``action.codec: positions``:
    ``Discrete``, an index into ``action.positions_lots``. Both send market orders for the difference.
    ``action.codec: prices``: ``Box`` of float64, five numbers for each slot: choice, price, lots, target, stop; orders
    and brackets at any price (docs/environment.md).

    ## Observation Space
    ``Box`` of float32, or ``Dict`` of its groups: the account (time left, position, break-even, profit, lots that may
    still fill), the market, the book, the flow, the wire, and per slot (side, stop, pending, offset, lots left, lots
    ahead). The own side is the bids. ``env.unwrapped.layout.table()`` lists them with units and ranges.

    ## Rewards
    A weighted sum of the named terms in ``reward``: ``net`` (default 1), ``strategy``, ``execution``, ``inventory``,
    ``messages``, ``stopped``; each is in ``info`` as ``reward/<term>``. With the default weights the rewards sum to
    ``info["alpha/net"]``, the net result in account currency.

    ## Starting State
    A synthetic market at ``task.start_s`` seconds after 08:00 in New York, or a history at a time drawn from the
    seed. No position, no orders.

    ## Episode End
    Terminated at the end of the window, or of the session if that is earlier; or when the risk control closes the
    episode (``risk.max_loss_ccy``). ``task.flat_at_close`` then cancels what rests and closes the position at
    market; otherwise it is marked at the mid. Truncated when a history ends first.

    ## Information
    Flat float keys, the same at every step: ``alpha/*``, ``exec/*`` (basis points are of the value of all that was
    decided), ``trade/*``, ``risk/*``, ``chaos/*``, ``link/*``, ``reward/*``. They are the exchange's truth: for
    reports, not for policies.

    ## Arguments
    ``config``: a preset's path, a mapping or a ``TradingConfig``; further keyword arguments override single keys,
    e.g. ``gymnasium.make("TwinTrading-v0", task={"window_s": "session"}, risk={"max_loss_ccy": 500})``.
    ``info_level`` is ``step`` (default), ``episode`` (info at the end of an episode only) or ``none``.
    ``reset(options=...)`` takes ``start_s``: seconds after 08:00 in New York, or after the beginning of a history.

    ## Version History
    * v0: first release.
    """

    definition = TRADING


class TwinTradingVectorEnv(TwinVectorEnv):
    """Rows of :class:`TwinTradingEnv`; see :class:`~twin_env.envs.vector.TwinVectorEnv`."""

    definition = TRADING
