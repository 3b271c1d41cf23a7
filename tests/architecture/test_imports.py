"""No circles of imports: not between modules, those inside functions and for types alone among them."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGES = ("twin_env", "agents", "benchmarks")
KNOWN = {
    ("twin_env.envs.registration", "twin_env.envs.definition"): "the type of what it returns, for type checkers alone",
}
"""Imports that close a circle, and why they are there."""


def graph_of(*packages: str) -> dict[str, set[str]]:
    """Return which modules each module imports, wherever in it."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    """Return the modules of one circle, each imported by the one after it; empty without any."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_there_is_no_circle_of_imports():
    imports = graph_of(*PACKAGES)
    for importer, imported in KNOWN:
        assert imported in imports[importer], f"take {importer} out of KNOWN"
        imports[importer].discard(imported)
    assert len(imports) > 300
    assert circle_in(imports) == [], "expected no module to import itself by way of others"


@pytest.mark.parametrize("importer", [importer for importer, _ in KNOWN])
def test_every_known_circle_is_one(importer):
    imports = graph_of(*PACKAGES)
    for known, imported in KNOWN:
        if known != importer:
            imports[known].discard(imported)
    assert importer in circle_in(imports)


HIDDEN = {
    "inside a function": "def f():\n    from toy.first import x\n",
    "for types": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from toy.first import x\n",
    "plain": "import toy.first\n",
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_planted_circle_is_found(tmp_path, monkeypatch, kind):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/__init__.py").touch()
    (tmp_path / "toy/first.py").write_text("from toy.second import y\n\nx = y\n")
    (tmp_path / "toy/second.py").write_text(f"{HIDDEN[kind]}\ny = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert set(circle_in(graph_of("toy"))) == {"toy.first", "toy.second"}
