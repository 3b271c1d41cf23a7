"""Readers of history: each says what it reads and what it needs, and a package from outside adds one of its own."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from twin_env.market.data.cache import reader_modules
from twin_env.market.data.inspection import InspectOptions
from twin_env.market.data.registry import _PACKAGES, History, find_reader, histories, readers, sources
from twin_env.market.data.tape import TapeError

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "twin_env/market/data"
FOLDERS = sorted(path.parent.name for path in DATA.glob("*/__init__.py"))


def imported(module: Path) -> set[str]:
    """Return the other folders of readers that a module imports from."""
    found = [node.module or "" for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)]
    parts = [name.split(".") for name in found if name.startswith("twin_env.market.data.")]
    return {part[3] for part in parts if part[3] in FOLDERS} - {module.parent.name}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_reader_needs_what_its_modules_import(folder):
    needs = import_module(f"twin_env.market.data.{folder}").NEEDS
    modules = [module for module in DATA.glob(f"{folder}/*.py") if module.name != "__init__.py"]
    used = set().union(*map(imported, modules))
    assert set(needs) == {f"twin_env.market.data.{other}" for other in used}


def test_every_folder_is_a_reader_or_serves_one():
    served = {name.rpartition(".")[2] for name in _PACKAGES for name in needs_of(name)}
    assert set(FOLDERS) == set(_PACKAGES) | served


def needs_of(folder: str) -> tuple[str, ...]:
    return import_module(f"twin_env.market.data.{folder}").NEEDS


def test_what_a_tape_depends_on_follows_the_folders():
    names = {path.relative_to(DATA).as_posix() for path in reader_modules("twin_env.market.data.led")}
    assert {"led/source.py", "columns/cells.py", "databento/book.py", "levels/queue.py", "tables.py"} <= names
    assert not any(name.startswith(("lobster/", "binance/")) for name in names)


def test_every_history_has_a_name_of_its_own_and_reads():
    names = [model.model_fields["model"].default for model in histories()]
    assert names == ["databento", "lobster", "binance", "trades_quotes", "bars"]
    assert all(issubclass(model, History) and model.read is not History.read for model in histories())
    with pytest.raises(NotImplementedError, match="History has no read"):
        History(model="none").read(0.1)


def test_a_file_whose_columns_are_explained_is_a_table(tmp_path):
    path = tmp_path / "AMZN_message_1.csv"
    path.write_text("34200.1,1,11885113,21,2238100,1\n")
    (table,) = (reader for reader in readers() if reader.name.startswith("tables"))
    assert find_reader(path).name.startswith("LOBSTER")
    assert find_reader(path, InspectOptions(columns="plain")) is table


def test_sources_without_files_of_their_own_are_asked_for_no_file(tmp_path):
    assert len(readers()) == len(sources()) - 1
    path = tmp_path / "what"
    path.write_bytes(b"\x00\x01")
    with pytest.raises(TapeError, match=r"what: format is not known, expected one of: Databento DBN .*, LOBSTER"):
        find_reader(path)


TOY = '''
"""A format from outside: one trade a line, as time, side, price in ticks and lots."""

from pathlib import Path
from typing import Literal

import numpy as np

from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE, NONE
from twin_env.market.data.cache import cached_tape
from twin_env.market.data.inspection import Inspection
from twin_env.market.data.registry import History
from twin_env.market.data.tape import Tape, TapeReport, count_kinds
from twin_env.market.data.tape_file import write_tape


class ToyHistory(History):
    model: Literal["toy"] = "toy"
    path: Path

    def read(self, tick_size):
        def write(target):
            cells = np.loadtxt(self.path, np.int64, skiprows=1, ndmin=2)
            rows = np.zeros(len(cells), MESSAGE)
            rows["ts_ns"] = rows["recv_ns"] = cells[:, 0]
            rows["side"], rows["price"], rows["lots"] = cells[:, 1:].T
            rows["kind"], rows["type"], rows["owner"] = codes.NEW, codes.LIMIT, codes.BACKGROUND
            rows["order"], rows["row"], rows["flags"] = np.arange(len(cells)), NONE, codes.LAST_IN_EVENT
            rows["seq"] = np.arange(1, len(cells) + 1)
            report = TapeReport(len(cells), count_kinds(rows))
            first, last = int(cells[0, 0]), int(cells[-1, 0])
            write_tape(Tape(rows, len(cells), tick_size, first, last, str(self.path), report), target)

        return cached_tape([self.path], (tick_size, self), __package__, write)


class Toy:
    name = "toys (.toy)"

    def sniff(self, path, options):
        return path.read_bytes().startswith(b"TOY")

    def inspect(self, path, options):
        rows = len(path.read_text().splitlines()) - 1
        return Inspection(str(path), "toy", (), tick_size=0.1, rows=rows, start_ns=None, end_ns=None, rates={})

    def histories(self):
        return (ToyHistory,)


READER = Toy()
'''
USE = """
import sys
from pathlib import Path
from twin_env.config import ConfigError, load_config
from twin_env.market.data.registry import inspect_file
from twin_env.market.links import LinksConfig
from twin_env.market.market import Market
from twin_env.market.synthetic import MarketConfig

path = Path(sys.argv[1])
print(inspect_file(path).format, inspect_file(path).rows)
config = load_config(MarketConfig, {"instrument": "mgc", "source": {"model": "toy", "path": str(path)}})
print(config.is_synthetic, config.capacities.orders)
market = Market(config, load_config(LinksConfig, "retail", folder="links"))
print(len(market.tape), market.first_ns, market.last_ns, market.tape["price"].tolist())
for source in ({"model": "toy"}, {"model": "tyo"}):
    try:
        load_config(MarketConfig, {"instrument": "mgc", "source": source})
    except ConfigError as error:
        print(error)
"""

READ = "import sys; from toy_reader import ToyHistory; print(len(ToyHistory(model='toy', path=sys.argv[1]).read(0.1)))"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """An installed package with an entry point, and a file of its format."""
    (tmp_path / "toy_reader").mkdir()
    (tmp_path / "toy_reader/__init__.py").write_text(TOY)
    (tmp_path / "toy_reader-1.0.dist-info").mkdir()
    (tmp_path / "toy_reader-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: toy-reader\nVersion: 1.0\n"
    )
    (tmp_path / "toy_reader-1.0.dist-info/entry_points.txt").write_text("[twin_env.readers]\ntoy = toy_reader:READER\n")
    (tmp_path / "day.toy").write_text("TOY\n1000 1 99 5\n2000 -1 101 2\n")
    return tmp_path


def use(toy: Path, script: str = USE) -> subprocess.CompletedProcess[str]:
    """Use the toy format in a process of its own."""
    variables = os.environ | {"PYTHONPATH": f"{toy}{os.pathsep}{ROOT}", "NUMBA_DISABLE_JIT": "1"}
    variables |= {"TWIN_CACHE_DIR": str(toy / "cache")}
    command = [sys.executable, "-c", script, str(toy / "day.toy")]
    return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=toy)


def test_a_package_adds_a_format(toy):
    done = use(toy)
    assert done.returncode == 0, done.stderr
    inspected, capacities, market, missing, unknown = done.stdout.splitlines()
    assert inspected == "toy 2"
    assert capacities == "False 131072"
    assert market == "2 1000 2000 [99, 101]"
    assert missing == "MarketConfig: source.path is missing, expected a path."
    assert unknown.startswith("MarketConfig: source.model is 'tyo' (did you mean 'toy'?), expected one of")
    assert "toy" in unknown.partition("expected")[2] and "lobster" in unknown


def test_a_tape_from_outside_is_made_anew_when_its_reader_changes(toy):
    for count in (1, 1, 2):
        if count == 2:
            (toy / "toy_reader/more.py").write_text("LIMIT = 1\n")
        assert use(toy, READ).stdout == "2\n"
        assert len(list((toy / "cache/twin_env/tapes").iterdir())) == count


def test_a_broken_package_is_named(toy):
    (toy / "toy_reader/__init__.py").write_text("import no_such_module\n")
    last = use(toy).stderr.strip().splitlines()[-1]
    assert "entry point toy of group twin_env.readers is toy_reader:READER, which cannot be imported" in last
