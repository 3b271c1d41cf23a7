"""Who may touch the record of a world: core, the batch, Twin. Everybody else reads the stream of events."""

from pathlib import Path
from typing import Final

import pytest

from tests.architecture.world_fields import field_accesses
from twin_env.core.state.layout import SYNTHETIC, world_dtype

ROOT = Path(__file__).resolve().parents[2]
FIELDS: Final = frozenset(world_dtype(SYNTHETIC).names)

MAY: Final = (
    "twin_env/core",
    "twin_env/twin",
    "twin_env/envs",  # the batch and its kernels; not what watches it, see MAY_NOT
    "twin_env/market/flow.py",  # these write the template that worlds are copies of
    "twin_env/market/market.py",
    "twin_env/market/synthetic.py",
)
MAY_NOT: Final = ("twin_env/envs/recording", "twin_env/envs/rendering")

NOT_CONVERTED: Final = {
    "twin_env/envs/rendering/depth.py": "draws the books of desk and exchange",
    "twin_env/envs/rendering/render.py": "draws clock and orders of the desk",
}
"""Files that still read the record, and what for: each becomes a reader of the stream and leaves this list."""


def is_under(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(place) for place in places)


def files() -> list[Path]:
    """Return the modules that have to keep away from worlds."""
    every = [path.relative_to(ROOT) for folder in ("twin_env", "agents") for path in (ROOT / folder).rglob("*.py")]
    every += [Path("train.py"), Path("evaluate.py")]
    return sorted(path for path in every if not is_under(path, MAY) or is_under(path, MAY_NOT))


def test_no_module_reads_the_record_of_a_world():
    found = {path.as_posix(): field_accesses((ROOT / path).read_text("utf-8"), FIELDS) for path in files()}
    broken = [
        f"{path}:{access.line}: {access.text} is a field of a world's record, expected a reader of the stream"
        for path, accesses in found.items()
        if path not in NOT_CONVERTED
        for access in accesses
    ]
    assert not broken, "\n".join(broken)


def test_every_file_that_is_let_off_needs_it():
    clean = [path for path in NOT_CONVERTED if not field_accesses((ROOT / path).read_text("utf-8"), FIELDS)]
    assert not clean, f"take out of NOT_CONVERTED: {', '.join(clean)}"
    assert {Path(path) for path in NOT_CONVERTED} <= set(files())


PLANTED = {
    "env.unwrapped.batch.worlds[0].now_ns": "env.unwrapped.batch.worlds[0].now_ns",
    "worlds[index]['ledger']": "worlds[index]['ledger']",
    "batch.worlds['event_hash'][3]": "batch.worlds['event_hash']",
    "def f(world):\n    return world.desk.position": "world.desk",
    "def f(worlds, i):\n    w = worlds[i]\n    return w.book": "w.book",
    "def f(play):\n    w, n = play.world, 1\n    return w['modifiers']": "w['modifiers']",
    "def f(play):\n    w = play.world\n    v = w\n    v.now_ns = 3": "v.now_ns",
    "[w.traded_lots for w in batch.worlds]": "w.traded_lots",
    "for w in worlds:\n    print(w['bid'])": "w['bid']",
    "if (w := self.worlds[0]) is not None:\n    print(w.chaos)": "w.chaos",
    "market.template[0].flow_kind": "market.template[0].flow_kind",
    "def f(play):\n    w = play.world\n    return lambda: w.venue": "w.venue",
    "w: object = twin.world\nprint(w.rejects)": "w.rejects",
}


@pytest.mark.parametrize("source", PLANTED)
def test_a_planted_access_is_found(source):
    assert [access.text for access in field_accesses(source, FIELDS)] == [PLANTED[source]]


@pytest.mark.parametrize(
    "source",
    [
        "world.layout.flatten(world.config)",  # an environment, which some call world
        "twin.desk.position",
        "events['ledger']",
        "worlds[0]",
        "len(batch.worlds)",
        "def f(world):\n    return touch_ticks(world, 1)",
        "def f(w):\n    return w.book\n\n\ndef g(worlds):\n    w = worlds[0]\n    return w",
    ],
)
def test_what_reads_no_world_is_left_alone(source):
    assert field_accesses(source, FIELDS) == []
