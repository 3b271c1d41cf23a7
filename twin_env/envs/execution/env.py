"""``TwinExecution-v0``: work a parent order through a delayed, reacting market."""

from twin_env.envs.execution.definition import EXECUTION
from twin_env.envs.single import TwinEnv
from twin_env.envs.vector import TwinVectorEnv


class TwinExecutionEnv(TwinEnv):
    """Work a parent order through a live, delayed order book.

    ## Description
    A trader has decided to buy or sell ``task.lots`` lots (of two numbers: a size drawn between them) within
    ``task.horizon_s`` seconds. Every ``task.step_s`` seconds the agent says what its child orders should do.
    They travel over a wire with delay and jitter, meet everybody else's orders in a full price-time order book,
    and the answers travel back. The agent sees the market as it reached its desk, never as it is.

    ## Action Space
    ``action.codec: orders`` (default): ``MultiDiscrete([4, offsets, sizes] * slots)``, three numbers for
    each order slot:

    | Num | Meaning | Values |
    |---|---|---|
    | 0 | choice | 0 keep, 1 cancel, 2 limit, 3 market |
    | 1 | price of a limit | index into ``action.offsets_ticks``: ticks behind the own touch |
    | 2 | size | index into ``action.sizes``: fraction of the parent order, at least one lot |

    *Keep* sends nothing, so the order keeps its place in the queue. A limit for a live order replaces it
    (smaller at the same price keeps the place); one that changes nothing sends nothing. A negative offset improves
    on the best price of others. Sizes are cut to what is neither filled nor committed, so the parent cannot be
    overfilled. A slot with an unanswered request is left alone. ``action.sizes: auto`` (default) is 0.05, 0.1, 0.25,
    0.5 and 1, and two sizes more, about a step's share of the parent, where 0.05 of it is more than that.

    | Codec | Space | Meaning |
    |---|---|---|
    | ``table`` | ``Discrete(2 + offsets * sizes + sizes)`` | one slot's choices: keep, cancel, limits, markets |
    | ``ladder`` | ``Box(-1, 1, (rungs + 2,))`` | weights of market, rungs and pocket: where the lots left should be |
    | ``schedule`` | ``Box(-1, 1, (1,))`` | share of the last step's volume, +1 the most |

    Of a ladder only the difference to what stands is sent: no lot gives up a queue place that it may keep.
    docs/environment.md says how.

    ## Observation Space
    ``Box`` of float32, shape ``(len(env.unwrapped.layout),)``, or a ``Dict`` of its groups (``observation.form``).
    Groups, in order: the task (time left, remaining, uncommitted, size, side), the market (spread, drift since the
    decision and since the last step, imbalance), the book (``observation.levels`` levels of each side: distance from
    the own touch, lots), the flow since the last step (volume with and against, prints, messages), the link (feed
    age, round trip, unanswered requests and lots, gap), and the own orders by slot (live, pending, distance, lots
    left, lots ahead) or by rung. ``observation.preset`` leaves groups out, ``observation.frames`` shows the latest
    steps side by side. docs/environment.md has the whole table with units and ranges;
    ``layout.decode(observation)`` gives names and units back. Prices are signed by the side, so buying and selling
    look alike.

    ## Rewards
    A weighted sum of named terms, weighted by ``reward.<term>`` and reported in ``info`` as ``reward/<term>``:

    | Term | Weight | Meaning |
    |---|---|---|
    | ``execution`` | 1 | increment of execution alpha, bps of the parent's notional |
    | ``drift`` | 0 | what the efficient price's move cost on the lots not yet filled, same unit |
    | ``vwap`` | 0 | increment of what the fills are worth against the market's VWAP, same unit |
    | ``messages`` | 0 | minus the requests sent in this step |
    | ``lag`` | 0 | minus the square of (elapsed share of the horizon - filled share of the parent) |
    | ``unfilled`` | 0 | at the end, minus the share of the parent that is not filled |

    With the default weights the sum over an episode is minus the implementation shortfall, ``-info["exec/is_bps"]``.
    ``drift`` has mean zero under any policy: at weight 1 the reward keeps its mean and loses most of its noise.

    ## Starting State
    A synthetic market after ``warm_up_s`` seconds of its own, or a history at a time drawn from the seed. The desk
    holds a fresh snapshot and has no orders. The side is drawn where ``task.side`` is ``random``.

    ## Episode End
    Terminated when the desk knows that everything is filled, or at the deadline: the deadline is part of
    the task. ``task.leftover: sweep`` then cancels what rests and sends a market order for the rest, within
    ``task.grace_s``; ``mark`` values it at the mid. Truncated when a history ends first.

    ## Information
    Flat float keys, the same at every step: ``alpha/*`` (the split, account currency, cumulative), ``exec/*``,
    ``chaos/*``, ``link/*``, ``reward/*``. They are the exchange's truth: for reports, not for policies.

    ## Arguments
    ``config``: a preset's path, a mapping or an ``ExecutionConfig``; further keyword arguments override single
    keys, e.g. ``gymnasium.make("TwinExecution-v0", links="colocated", task={"lots": 50})``.
    ``info_level`` is ``step`` (default), ``episode`` (info at the end of an episode only) or ``none``.
    ``reset(options=...)`` takes ``side`` and ``start_s``.

    ## Version History
    * v0: first release.
    """

    definition = EXECUTION


class TwinExecutionVectorEnv(TwinVectorEnv):
    """Rows of :class:`TwinExecutionEnv`; see :class:`~twin_env.envs.vector.TwinVectorEnv`."""

    definition = EXECUTION
