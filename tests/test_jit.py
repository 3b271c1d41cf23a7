"""The cache of compiled kernels, tested on a copy of ``core/state/jit.py`` in a package of its own."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numba
import pytest

from twin_env.core.state import jit, linking
from twin_env.core.state.kernel_source import Slice

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "stable_baselines3", "tensorboard", "matplotlib", "scipy", "polars")

STATE = Path(jit.__file__).parent

CALLEE = """
from toy.core.state.jit import i64, kernel
from toy.flow.numbers import FACTOR

@kernel
def weight(x):
    return i64(FACTOR * x)


def report(x):
    return f"{x} of them"
"""
NUMBERS = """
FACTOR = 2
OTHER = 3
SIZES = {"small": 1}
ROW = [("price", "i8")]
"""
CALLER = """
from toy.core.state.jit import kernel
from toy.flow import tables
from toy.flow.callee import weight

@kernel
def total(n):
    result = 0
    for i in range(n):
        result += weight(i)
    return result + tables.CELLS - tables.CELLS
"""
TABLES = """
from dataclasses import dataclass

import numpy as np

from toy.flow.numbers import ROW


@dataclass
class Shape:
    \"\"\"Shape of a table.\"\"\"

    rows: int = 4


def size_of(dtype):
    return dtype.itemsize * Shape().rows


DTYPE = np.dtype(ROW)
CELLS = size_of(DTYPE)
UNUSED = 1
"""
RUN = """
from toy.core.state import jit
before = jit.is_cached()
from toy.core.caller import total
print(total(5), before, jit.signature_count(total), jit.cache_key())
if jit.signature_count(total):
    print(sum(total.stats.cache_hits.values()), sum(total.stats.cache_misses.values()))
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A package with a kernel in ``core`` that calls one in another folder, which uses what a third file says."""
    for folder in ("toy", "toy/core", "toy/core/state", "toy/flow"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    for name in ("jit.py", "kernel_source.py", "linking.py"):
        text = (STATE / name).read_text(encoding="utf-8").replace("twin_env.", "toy.")
        (tmp_path / "toy/core/state" / name).write_text(text, encoding="utf-8")
    (tmp_path / "toy/core/caller.py").write_text(CALLER)
    for name, text in (("callee", CALLEE), ("numbers", NUMBERS), ("tables", TABLES)):
        (tmp_path / f"toy/flow/{name}.py").write_text(text)
    return tmp_path


def edit(toy: Path, file: str, old: str, new: str) -> None:
    """Replace a text of a file, which has to be there."""
    path = toy / "toy" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def code_of(toy: Path) -> bytes:
    return Slice(toy / "toy", "core.state.jit.kernel").digest()


def run(toy: Path, **environment: str) -> list[str]:
    """Run the toy kernel in a process of its own."""
    variables = os.environ | {"TWIN_CACHE_DIR": str(toy / "cache"), "PYTHONPATH": str(toy)} | environment
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, env=variables, cwd=toy)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def cache_folders(toy: Path) -> int:
    return len(list((toy / "cache/twin_env/kernels").iterdir()))


def silent_edits() -> dict[str, tuple[str, str, str]]:
    return {
        "comment": ("flow/callee.py", "@kernel", "# why it is so\n\n@kernel"),
        "docstring": ("core/caller.py", "    result = 0", '    """Add up weights."""\n    result = 0'),
        "module docstring": ("flow/numbers.py", "\nFACTOR", '"""Numbers."""\n\nFACTOR'),
        "docstring of a class": ("flow/tables.py", "Shape of a table", "How large a table is"),
        "annotations": ("flow/callee.py", "def weight(x):", "def weight(x: int) -> int:"),
        "annotation of a constant": ("flow/numbers.py", "FACTOR = 2", "FACTOR: int = 2"),
        "constant nobody uses": ("flow/numbers.py", "OTHER = 3", "OTHER = 4"),
        "function no kernel calls": ("flow/callee.py", "of them", "of those"),
        "import no kernel uses": ("flow/tables.py", "import numpy as np", "import json\n\nimport numpy as np"),
        "layout": ("flow/callee.py", "i64(FACTOR * x)", "(i64(\n        FACTOR * x\n    ))"),
    }


def telling_edits() -> dict[str, tuple[str, str, str]]:
    return {
        "body": ("core/caller.py", "result += weight(i)", "result -= weight(i)"),
        "callee": ("flow/callee.py", "FACTOR * x", "FACTOR + x"),
        "constant of another file": ("flow/numbers.py", "FACTOR = 2", "FACTOR = 7"),
        "constant of a module": ("flow/tables.py", "CELLS = size_of(DTYPE)", "CELLS = 1 + size_of(DTYPE)"),
        "function that makes a constant": ("flow/tables.py", "dtype.itemsize", "2 * dtype.itemsize"),
        "dtype two files away": ("flow/numbers.py", '"i8"', '"i4"'),
        "field of a class": ("flow/tables.py", "rows: int = 4", "rows: int = 5"),
        "change in place": ("flow/numbers.py", "OTHER = 3", 'ROW.append(("lots", "i8"))'),
        "another origin": ("flow/callee.py", "from toy.flow.numbers import FACTOR", "from toy.flow.more import FACTOR"),
        "options of the compiler": ("core/state/jit.py", '"nogil": True', '"nogil": False'),
        "new kernel": ("flow/callee.py", "\ndef report", "\n@kernel\ndef more(x):\n    return x\n\n\ndef report"),
    }


@pytest.mark.parametrize("name", silent_edits())
def test_what_compiled_code_cannot_see_keeps_the_key(toy, name):
    before = code_of(toy)
    edit(toy, *silent_edits()[name])
    assert code_of(toy) == before


@pytest.mark.parametrize("name", telling_edits())
def test_what_compiled_code_is_made_of_changes_the_key(toy, name):
    (toy / "toy/flow/more.py").write_text("FACTOR = 9\n")
    before = code_of(toy)
    edit(toy, *telling_edits()[name])
    assert code_of(toy) != before


@pytest.mark.parametrize(
    "line", ["from toy.flow.numbers import *", "from .numbers import FACTOR", "from toy.flow import numbers as FACTOR"]
)
def test_a_constant_is_found_however_it_is_imported(toy, line):
    edit(toy, "flow/callee.py", "from toy.flow.numbers import FACTOR", line)
    before = code_of(toy)
    edit(toy, "flow/numbers.py", "FACTOR = 2", "FACTOR = 7")
    assert code_of(toy) != before


@pytest.mark.parametrize("file", ["numbers", "more"])
def test_both_branches_of_an_import_count(toy, file):
    (toy / "toy/flow/more.py").write_text("FACTOR = 2\n")
    both = "try:\n    from toy.flow.more import FACTOR\nexcept ImportError:\n    from toy.flow.numbers import FACTOR"
    edit(toy, "flow/callee.py", "from toy.flow.numbers import FACTOR", both)
    before = code_of(toy)
    edit(toy, f"flow/{file}.py", "FACTOR = 2", "FACTOR = 7")
    assert code_of(toy) != before


def test_the_key_is_kept_for_the_bytes_of_the_package(toy):
    first = run(toy, NUMBA_DISABLE_JIT="1")[3]
    keys = toy / "cache/twin_env/keys"
    (kept,) = keys.iterdir()
    assert kept.read_text() == first
    edit(toy, *silent_edits()["comment"])
    assert run(toy, NUMBA_DISABLE_JIT="1")[3] == first
    assert len(list(keys.iterdir())) == 2
    for kept in keys.iterdir():
        kept.write_text("0" * 20)
    assert run(toy, NUMBA_DISABLE_JIT="1")[3] == "0" * 20


@pytest.mark.slow
@pytest.mark.jit
def test_an_edit_compiles_what_it_changes_and_nothing_else(toy):
    first = run(toy)
    assert first == ["20", "False", "1", first[3], "0", "1"]
    loaded = ["20", "True", "1", first[3], "1", "0"]
    assert run(toy) == loaded
    for change in silent_edits().values():
        edit(toy, *change)
    assert run(toy) == loaded  # from a file whose lines moved and whose bytes differ
    assert cache_folders(toy) == 1

    edit(toy, "flow/numbers.py", "FACTOR: int = 2", "FACTOR: int = 7")
    edited = run(toy)
    assert edited == ["70", "False", "1", edited[3], "0", "1"]
    assert edited[3] != first[3]
    assert cache_folders(toy) == 2

    edit(toy, "flow/numbers.py", "FACTOR: int = 7", "FACTOR: int = 2")
    assert run(toy) == loaded  # the old code is still there and right again


@pytest.mark.slow
@pytest.mark.jit
def test_bounds_checks_have_a_cache_of_their_own(toy):
    plain, checked = run(toy, NUMBA_BOUNDSCHECK="0"), run(toy, NUMBA_BOUNDSCHECK="1")
    assert plain[0] == checked[0] and plain[3] != checked[3]


def test_uncompiled_kernels_give_the_same_result(toy):
    assert run(toy, NUMBA_DISABLE_JIT="1")[:3] == ["20", "False", "0"]


def test_every_kernel_is_in_the_key():
    package = Path(jit.__file__).resolve().parents[2]
    known = Slice(package, "core.state.jit.kernel")
    files = [path for path in package.rglob("*.py") if re.search(r"import .*\bkernel\b", path.read_text("utf-8"))]
    names = [".".join(path.relative_to(package.parent).with_suffix("").parts) for path in files]
    assert len(names) > 50
    for name in names:
        module = importlib.import_module(name)
        kernels = {key for key, value in vars(module).items() if getattr(value, "__module__", "") == name}
        kernels = {key for key in kernels if hasattr(getattr(module, key), "py_func")}
        assert kernels <= known.statements(name), name


def test_the_cache_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("TWIN_CACHE_DIR", str(tmp_path))
    assert jit.cache_root() == tmp_path / "twin_env" / "kernels"


def test_a_kernel_leaves_numbas_own_cache_folder_alone():
    from numba import config

    before = config.CACHE_DIR
    jit.kernel(lambda x: x)
    assert before == config.CACHE_DIR


@pytest.mark.skipif(not (ROOT / "twin_env/__init__.py").is_file(), reason="twin_env has no __init__.py")
def test_importing_the_package_loads_nothing_heavy():
    script = f"import sys, twin_env; assert twin_env.__file__; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


RACERS = 4
RACE = """
import sys
import time
import numpy as np
from numba.core.caching import IndexDataCacheFile
from twin_env.core.state.jit import kernel

load_index = IndexDataCacheFile._load_index


def load_slowly(self):  # opens the window in which two processes pick the same file name
    index = load_index(self)
    time.sleep(0.1)
    return index


IndexDataCacheFile._load_index = load_slowly

{kernels}

cells = int(sys.argv[1])
array = np.zeros(1, np.dtype([("cells", "i8", cells)]))
print([run(array, 0) for run in ({names})] == [cells + shift for shift in range({count})])
"""


@pytest.mark.slow
@pytest.mark.jit
def test_processes_that_compile_for_different_profiles_at_once_keep_their_code_apart(tmp_path):
    count = 12
    kernels = "\n".join(
        f"@kernel\ndef k{shift}(array, index):\n    return array[index].cells.shape[0] + {shift}\n"
        for shift in range(count)
    )
    names = ", ".join(f"k{shift}" for shift in range(count))
    script = tmp_path / "race.py"
    script.write_text(RACE.format(kernels=kernels, names=names, count=count))
    variables = os.environ | {
        "TWIN_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    for _ in range(2):  # the first round compiles, the second is served from the cache
        racers = [
            subprocess.Popen(
                [sys.executable, str(script), str(10 + cells)], stdout=subprocess.PIPE, text=True, env=variables
            )
            for cells in range(RACERS)
        ]
        assert [racer.communicate()[0].strip() for racer in racers] == ["True"] * RACERS


TWO_PROFILES = """
import sys
import numpy as np
from twin_env.core.state.jit import kernel


@kernel
def cells(array, index, depth):  # calls itself: cannot be inlined away
    if depth > 0:
        return cells(array, index, depth - 1)
    return array[index].cells.shape[0]


@kernel
def outer(array, index):
    return cells(array, index, 2)


for count in map(int, sys.argv[1:]):
    print(outer(np.zeros(1, np.dtype([("cells", "i8", count)])), 0))
"""


@pytest.mark.slow
@pytest.mark.jit
def test_code_that_two_processes_compiled_lives_together_in_a_third(tmp_path):
    script = tmp_path / "profiles.py"
    script.write_text(TWO_PROFILES)
    variables = os.environ | {"TWIN_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}

    def answers(*counts: int) -> list[str]:
        command = [sys.executable, str(script), *map(str, counts)]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=variables).stdout.split()

    assert answers(5) == ["5"]
    assert answers(7) == ["7"]
    assert answers(5, 7) == ["5", "7"]
    assert answers(7, 5) == ["7", "5"]


LINKED = """
import contextlib
import io

import numba

from twin_env.core.state.jit import kernel, signature_count


@kernel
def checked(x):
    if x > 5:
        raise ValueError("too large:", x)
    print("seen", x)  # finds its text through the function's environment
    return x + 0.5


@kernel
def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


@kernel
def inner(x, scale=2.0):
    return scale * checked(x) + factorial(4)


@kernel
def outer(x):
    return inner(x) + checked(x)


@numba.njit
def foreign(x):
    return outer(x) - inner(x, scale=3.0)


def answer(function, x):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            value = function(x)
        except ValueError as error:
            value = error.args
    return value, out.getvalue()


for function in (FUNCTIONS):
    print(function.__name__, answer(function, 1), answer(function, 9))
print([signature_count(function) for function in (checked, factorial, inner, outer)])
"""
NAMES = ("foreign", "outer", "inner", "checked")


def answers_of_linked(tmp_path: Path, order: tuple[str, ...], **environment: str) -> list[str]:
    """Call kernels in an order, each with an argument that it takes and one that it refuses."""
    script = tmp_path / "linked.py"
    script.write_text(LINKED.replace("FUNCTIONS", ", ".join(order) + ","))
    variables = os.environ | {"TWIN_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("environment", [{}, {"TWIN_LINK_ONCE": "0"}, {"NUMBA_BOUNDSCHECK": "1"}])
def test_kernels_say_the_same_however_they_are_linked_and_called(tmp_path, environment):
    expected = answers_of_linked(tmp_path, NAMES, NUMBA_DISABLE_JIT="1")[:-1]
    assert expected[0] == r"foreign (0.0, 'seen 1\nseen 1\nseen 1\n') (('too large:', 9), '')"
    for order in (NAMES, NAMES[::-1], NAMES):  # the last one is served from the cache
        found = answers_of_linked(tmp_path, order, **environment)[:-1]
        assert sorted(found) == sorted(expected)


@pytest.mark.slow
@pytest.mark.jit
def test_only_what_python_calls_is_made_machine_code_of(tmp_path):
    assert answers_of_linked(tmp_path, ("outer",))[-1] == "[0, 0, 0, 1]"
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 1
    assert answers_of_linked(tmp_path, ("outer",), TWIN_LINK_ONCE="0")[-1] == "[1, 1, 1, 1]"
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 1 + 4


CIRCLE = """
from twin_env.core.state.jit import kernel


@kernel
def even(n):
    return True if n == 0 else odd(n - 1)


@kernel
def odd(n):
    return False if n == 0 else even(n - 1)


try:
    print(even(4))
except NotImplementedError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("switch, said", [("0", "True"), ("1", "even: kernels that call each other in a circle")])
def test_kernels_that_call_each_other_in_a_circle_are_refused_by_name(tmp_path, switch, said):
    script = tmp_path / "circle.py"
    script.write_text(CIRCLE)
    variables = os.environ | {"TWIN_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    variables["TWIN_LINK_ONCE"] = switch
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=variables)
    assert done.stdout.startswith(said), done.stderr


def test_kernels_have_the_options_that_numba_would_give_them():
    def function(x):
        return x

    usual = numba.njit(**jit._OPTIONS)(function)
    assert linking.linked_kernel(function, jit._OPTIONS).targetoptions == usual.targetoptions


@pytest.mark.parametrize("version, known", [((0, 60), False), ((0, 61), True), ((0, 68), True), ((0, 69), False)])
def test_another_numba_gets_the_plain_path(monkeypatch, version, known):
    monkeypatch.delenv("TWIN_LINK_ONCE", raising=False)
    monkeypatch.setattr(numba, "version_info", SimpleNamespace(short=version))
    assert linking.is_supported() is known
    monkeypatch.setenv("TWIN_LINK_ONCE", "0")
    assert linking.is_supported() is False
