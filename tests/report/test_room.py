"""Who may read the reports' room: commands. What others need from it belongs elsewhere."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CURVES = {"agents/training/board.py"}  # draws a training in TensorBoard
ROOMS = ("twin_env/report/", "twin_env/cli/")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def readers_of(package):
    files = [
        ROOT / "train.py",
        ROOT / "evaluate.py",
        *(ROOT / "twin_env").rglob("*.py"),
        *(ROOT / "agents").rglob("*.py"),
    ]
    return {
        path.relative_to(ROOT).as_posix()
        for path in files
        if any(f"{name}.".startswith(f"{package}.") for name in imported(path))
    }


def test_only_commands_import_reports():
    readers = readers_of("twin_env.report")
    assert "twin_env/cli/evaluate.py" in readers  # what is looked for is found
    assert {name for name in readers if not name.startswith(ROOMS)} == CURVES


def test_statistics_and_files_rest_on_nothing_but_the_configuration():
    for path in ((ROOT / "twin_env" / "statistics").glob("*.py"), [ROOT / "twin_env" / "files.py"]):
        ours = {name.split(".")[1] for file in path for name in imported(file) if name.startswith("twin_env.")}
        assert ours <= {"statistics", "config"}
