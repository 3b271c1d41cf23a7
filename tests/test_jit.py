"""The cache of compiled kernels, tested on a copy of ``core/state/jit.py`` in a package of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from twin_env.core.state import jit

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "stable_baselines3", "tensorboard", "matplotlib", "scipy", "polars")

CALLEE = """
from toy.core.state.jit import i64, kernel

@kernel
def weight(x):
    return i64({factor} * x)
"""
CALLER = """
from toy.core.state.jit import kernel
from toy.flow.callee import weight

@kernel
def total(n):
    result = 0
    for i in range(n):
        result += weight(i)
    return result
"""
RUN = """
from toy.core.state import jit
before = jit.is_cached()
from toy.core.caller import total
print(total(5), before, jit.signature_count(total), jit.cache_key())
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A package with a kernel in ``core`` that calls one in another folder."""
    for folder in ("toy", "toy/core", "toy/core/state", "toy/flow"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    shutil.copy(jit.__file__, tmp_path / "toy/core/state/jit.py")
    (tmp_path / "toy/core/caller.py").write_text(CALLER)
    (tmp_path / "toy/flow/callee.py").write_text(CALLEE.format(factor=2))
    return tmp_path


def run(toy: Path, **environment: str) -> list[str]:
    """Run the toy kernel in a process of its own."""
    variables = os.environ | {"TWIN_CACHE_DIR": str(toy / "cache"), "PYTHONPATH": str(toy)} | environment
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, env=variables, cwd=toy)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def cache_folders(toy: Path) -> int:
    return len(list((toy / "cache/twin_env/kernels").iterdir()))


@pytest.mark.slow
@pytest.mark.jit
def test_editing_a_callee_in_another_file_changes_the_caller(toy):
    first = run(toy)
    again = run(toy)
    assert first == ["20", "False", "1", first[3]]
    assert again == ["20", "True", "1", first[3]]  # compiled once, then loaded
    assert cache_folders(toy) == 1

    (toy / "toy/flow/callee.py").write_text(CALLEE.format(factor=7))
    edited = run(toy)
    assert edited == ["70", "False", "1", edited[3]]
    assert edited[3] != first[3]
    assert cache_folders(toy) == 2

    (toy / "toy/flow/callee.py").write_text(CALLEE.format(factor=2))
    assert run(toy) == again  # the old code is still there and right again


@pytest.mark.slow
@pytest.mark.jit
def test_bounds_checks_have_a_cache_of_their_own(toy):
    plain, checked = run(toy, NUMBA_BOUNDSCHECK="0"), run(toy, NUMBA_BOUNDSCHECK="1")
    assert plain[0] == checked[0] and plain[3] != checked[3]


def test_uncompiled_kernels_give_the_same_result(toy):
    assert run(toy, NUMBA_DISABLE_JIT="1")[:3] == ["20", "False", "0"]


def test_the_key_depends_on_content_and_name_of_every_file(tmp_path):
    first, second, renamed = (tmp_path / name for name in ("first.py", "second.py", "renamed.py"))
    first.write_text("a = 1\n")
    second.write_text("b = 1\n")
    key = jit.cache_key([first, second])
    assert jit.cache_key([first, second]) == key
    assert jit.cache_key([first]) != key
    second.write_text("b = 2\n")
    edited = jit.cache_key([first, second])
    assert edited != key
    second.rename(renamed)
    assert jit.cache_key([first, renamed]) not in (key, edited)


def test_every_file_with_a_kernel_is_in_the_key():
    package = Path(jit.__file__).resolve().parents[2]
    used = {path for path in package.rglob("*.py") if "@kernel" in path.read_text(encoding="utf-8")}
    assert used | set((package / "core").rglob("*.py")) <= set(jit._kernel_sources())


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
