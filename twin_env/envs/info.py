"""What the numbers of an info are: the schema of each environment, and the kernel that writes what all of them share.

The keys are at once TensorBoard tags, columns of stored results and headings of reports. Every info has every key of
its environment, each a float.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from twin_env.alpha.parts import ALPHA_KEYS, MEANINGS, PARTS, SPLIT_NAMES
from twin_env.core.faults.engine import fault_ns
from twin_env.core.ledger import SPLIT
from twin_env.core.state.jit import kernel
from twin_env.envs.observation import feed_age_ms, requests_in_flight

Span = Literal["episode", "step", "now", "name"]
SEED: Final = "seed"
_MICRO: Final = 1e-6


@dataclass(frozen=True)
class InfoKey:
    """One number of an info.

    Attributes:
        key: Its name.
        unit: ``ccy`` is the account currency; empty for a pure number.
        meaning: What it is.
        span: What it counts: ``episode`` is cumulative since the start, ``step`` is of the latest step alone, ``now``
            is a state as it stands, ``name`` tells which episode it is.
    """

    key: str
    unit: str
    meaning: str
    span: Span

    @property
    def is_terminal(self) -> bool:
        """Whether its value at the last step sums up the whole episode."""
        return self.span == "episode"


class InfoSchema(Sequence[InfoKey]):
    """The numbers of an environment's info, in the order of the batch's array.

    Attributes:
        keys: Their names.
        figures: Names of what may be averaged over episodes: all but those that name the episode.
        alpha_keys: Names of the alpha split, in the order of the ledger: net, strategy, execution, its parts.
        alpha_parts: Names of the parts of execution alpha, without their prefix.
        reward_terms: Names of the terms of the reward, without their prefix.
    """

    def __init__(self, task: Sequence[InfoKey], reward: Sequence[InfoKey]) -> None:
        self._records = (*ALPHA_INFO, *task, *SHARED_INFO, *reward, SEED_INFO)
        self.keys = tuple(record.key for record in self._records)
        self.figures = tuple(record.key for record in self._records if record.span != "name")
        self.alpha_keys = ALPHA_KEYS
        self.alpha_parts = PARTS
        self.reward_terms = tuple(record.key.removeprefix("reward/") for record in reward)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[InfoKey]:
        return iter(self._records)

    def __getitem__(self, place: Any) -> Any:
        return self._records[place]

    def as_dict(self, values: Any) -> dict[str, float]:
        """Return one row of the batch's array of infos as a mapping."""
        return dict(zip(self.keys, values.tolist(), strict=True))

    def table(self) -> str:
        """Return it as a Markdown table, as docs/environment.md shows it."""
        rows = ["| Key | Unit | Counts | Meaning |", "|---|---|---|---|"]
        rows += [f"| `{record.key}` | {record.unit} | {record.span} | {record.meaning} |" for record in self]
        return "\n".join(rows)


def reward_info(meanings: Mapping[str, tuple[str, str]]) -> tuple[InfoKey, ...]:
    """Return the records of a reward's terms.

    Args:
        meanings: By term, in order, its unit and what it is.
    """
    return tuple(InfoKey(f"reward/{term}", unit, meaning, "step") for term, (unit, meaning) in meanings.items())


ALPHA_INFO: Final = tuple(
    InfoKey(key, "ccy", MEANINGS[name], "episode") for key, name in zip(ALPHA_KEYS, SPLIT_NAMES, strict=True)
)
SHARED_INFO: Final = (
    InfoKey("chaos/active", "", "share of the step during which a fault was on; 0 in a plain market", "step"),
    InfoKey("chaos/scenario", "", "number of the experiment, the first twelve digits of its hash; 0 for none", "now"),
    InfoKey("link/feed_age_ms", "ms", "age of the desk's newest market data", "now"),
    InfoKey("link/in_flight", "messages", "requests and reports on the wire", "now"),
)
SEED_INFO: Final = InfoKey(SEED, "", "number of the episode; exact up to 2^53", "name")


@kernel
def write_shared(world: Any, task: Any, place: int, out: Any) -> None:
    """Write the alpha split, ``SHARED_INFO`` and ``SEED_INFO`` of one world.

    Args:
        world: One world.
        task: Its task, after the split was taken.
        place: Where ``SHARED_INFO`` begins.
        out: Output, float64 of shape ``(len(schema),)``; money in account currency, cumulative.
    """
    for part in range(SPLIT):
        out[part] = task.parts[part] * _MICRO
    out[place] = (fault_ns(world) - task.fault_ns) / task.elapsed_ns if task.elapsed_ns > 0 else 0.0
    out[place + 1] = world.chaos.scenario
    out[place + 2] = feed_age_ms(world)
    out[place + 3] = requests_in_flight(world)
    out[out.shape[0] - 1] = world.seed
