"""The Python of README and docs: what they import is there, and what needs no file of the reader's runs."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = ("twin_env", "agents")
RUNS = {  # which blocks of a page run one after the other; the others need data, hours, or names of the text
    "README.md": (0, 1, 2),
    "docs/alpha.md": (0, 1),
    "docs/chaos.md": (0,),
    "docs/environment.md": (0, 1, 2, 3, 4),
    "docs/library.md": (0,),
    "docs/policies.md": (1,),
    "docs/prompts.md": (0,),
    "docs/randomisation.md": (0,),
    "docs/recording.md": (0, 1, 2),
    "docs/twin.md": (0, 1, 2),
}


def blocks_of(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def imports_of(page: Path) -> list[tuple[str, str]]:
    return [
        (node.module, name.name)
        for block in blocks_of(page)
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OURS
        for name in node.names
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_imports_is_there(page):
    for module, name in imports_of(page):
        assert hasattr(importlib.import_module(module), name), f"{page.name}: {module}.{name}"


def test_pages_import_something():
    assert sum(len(imports_of(page)) for page in PAGES) > 30


@pytest.mark.jit
@pytest.mark.parametrize("name", RUNS)
def test_the_blocks_of_a_page_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks, names = blocks_of(ROOT / name), {}
    for place in RUNS[name]:
        exec(compile(blocks[place], f"{name}, Python block {place + 1}", "exec"), names)
