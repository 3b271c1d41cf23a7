"""The walks of docs/architecture.md: short, without turning back, and every name in them is there."""

import ast
import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
MOST_FILES: Final = 9
STEP: Final = re.compile(r"^(\d+)\. `([\w/.]+\.py)` \(`(\w+)`\): \S", re.MULTILINE)
FILE: Final = re.compile(r"`([\w./-]+/[\w.-]+\.\w+)`")  # with a folder, so that names of other things are none
ROOM: Final = re.compile(r"^\| (`.*?) \|", re.MULTILINE)


class Walk(NamedTuple):
    title: str
    steps: list[tuple[str, str, str]]  # number, file, name


def walks(page: str = PAGE) -> list[Walk]:
    part = page.partition("## Four walks")[2].partition("\n## ")[0]
    return [Walk(text.partition("\n")[0], STEP.findall(text)) for text in part.split("\n### ")[1:]]


WALKS: Final = walks()


def defined_in(source: str) -> set[str]:
    """Return the names of the functions, methods and classes of a source."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)}


def test_there_are_four_walks():
    titles = ["A policy's action, to the report", "A seed", "A chaos sentence", "A row of history"]
    assert [walk.title for walk in WALKS] == titles


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.title)
def test_a_walk_is_short_and_does_not_turn_back(walk):
    files = [file for _, file, _ in walk.steps]
    assert [number for number, _, _ in walk.steps] == [str(number) for number in range(1, len(files) + 1)]
    assert 5 <= len(files) <= MOST_FILES
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.title)
def test_a_walk_names_no_other_file(walk):
    text = PAGE.partition(f"### {walk.title}\n")[2].partition("\n#")[0]
    assert sorted(re.findall(r"[\w/]+\.py\b", text)) == sorted(file for _, file, _ in walk.steps)


@pytest.mark.parametrize(
    "step", [step for walk in WALKS for step in walk.steps], ids=lambda step: f"{step[1]}:{step[2]}"
)
def test_what_a_step_names_is_there(step):
    _, file, name = step
    assert name in defined_in((ROOT / file).read_text(encoding="utf-8"))


def test_every_file_and_room_on_the_page_is_there():
    named = set(FILE.findall(PAGE)) | {room for row in ROOM.findall(PAGE) for room in re.findall(r"`([^`]+)`", row)}
    assert len(named) > 40
    gone = [name for name in sorted(named) if not (ROOT / name).exists() and not (ROOT / f"{name}.py").exists()]
    assert gone == []


def test_every_room_is_on_the_page():
    rooms = {path.parent.name for path in ROOT.glob("twin_env/*/__init__.py")}
    assert [room for room in sorted(rooms) if f"`twin_env/{room}`" not in PAGE] == []
