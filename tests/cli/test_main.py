"""What every command has, how a mistyped line is answered, and that documents promise what there is."""

import argparse
import json
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from importlib import import_module
from pkgutil import iter_modules

import pytest

from tests.conftest import ROOT
from twin_env.cli import main as cli
from twin_env.cli import options
from twin_env.cli.agents_package import require_agents
from twin_env.cli.parser import ArgumentParser
from twin_env.extras import EXTRAS, missing

HEAVY = ("torch", "stable_baselines3", "tensorboard", "matplotlib", "polars", "scipy", "numba", "rich")


def all_commands():
    for word in cli.COMMANDS:
        module = import_module(f"twin_env.cli.{word}")
        inner = [found.name for found in iter_modules(getattr(module, "__path__", ()))]
        yield from ([word, name] for name in inner) if inner else [[word]]


COMMANDS = list(all_commands())
NAMES = [" ".join(words) for words in COMMANDS]


def module_of(words):
    return import_module(".".join(["twin_env.cli", *words]))


def ended(capsys, *argv):
    """The exit code and what was printed of a line that ends in the parser."""
    with pytest.raises(SystemExit) as caught:
        cli.parse(list(argv))
    return caught.value.code, *capsys.readouterr()


# Help


def test_help_lists_every_command(capsys):
    code, out, err = ended(capsys, "--help")
    assert code == 0 and err == ""
    for word in cli.COMMANDS:
        assert re.search(rf"^  {word} +\S", out, re.M)


@pytest.mark.parametrize("words", COMMANDS, ids=NAMES)
def test_every_command_has_help_with_examples_that_it_understands(words, capsys):
    code, out, _ = ended(capsys, *words, "--help")
    assert code == 0
    examples = [line.strip() for line in out[out.index("examples:") :].splitlines()[1:]]
    assert examples == list(module_of(words).EXAMPLES)
    for line in examples:
        program, *argv = shlex.split(line)
        assert program == "twin" and argv[: len(words)] == words
        assert cli.parse(argv).name == f"twin {' '.join(words)}"


@pytest.mark.parametrize("words", COMMANDS, ids=NAMES)
def test_every_option_has_a_text(words):
    parser = cli.make_parser("twin", module_of(words))
    for action in parser._actions:
        assert action.help, action.option_strings or action.dest


def test_shared_options_mean_the_same_everywhere():
    dests = {}
    for words in COMMANDS:
        for action in cli.make_parser("twin", module_of(words))._actions:
            for name in action.option_strings:
                dests.setdefault(name, set()).add(action.dest)
    assert {name: found for name, found in dests.items() if len(found) > 1} == {}
    kinds = {"--json": options.JsonOutput, "--seed": options.natural, "--episodes": options.positive}
    for words in COMMANDS:
        for action in cli.make_parser("twin", module_of(words))._actions:
            for name in set(action.option_strings) & set(kinds):
                assert action.type is kinds[name], words


def test_help_imports_nothing_heavy():
    lines = [[], *([word] for word in ("chaos", "market", "record", "config")), ["train"], ["evaluate"]]
    code = (
        "import sys\nfrom twin_env.cli.main import parse\n"
        f"for line in {lines}:\n"
        "    try: parse([*line, '--help'])\n"
        "    except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == "[]"


# Mistakes


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["evalute"], "twin: there is no command 'evalute' (did you mean 'evaluate'?)"),
        (["chaos", "lst"], "twin chaos: there is no command 'lst' (did you mean 'list'?)"),
        ([], "twin: a command is missing"),
        (["market"], "twin market: a command is missing, expected one of calibrate, impact, inspect, realism"),
        (["evaluate", "--polices", "twap"], "twin evaluate: '--polices' is unknown (did you mean '--policies'?)"),
        (["evaluate", "--polic", "twap"], "twin evaluate: '--polic' is unknown (did you mean '--policies'?)"),
        (["chaos", "run"], "twin chaos run: the following arguments are required: NAME|FILE"),
        (
            ["chaos", "run", "x", "--seed", "-1"],
            "twin chaos run: argument --seed: '-1' is not an integer of at least 0",
        ),
        (["train", "--set", "a"], "'a' is not KEY=VALUE"),
        (["train", "--set", "a=[1"], "the value is no YAML"),
        (["train", "--json", "."], "is not a file that can be written"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(argv, sentence, capsys):
    code, out, err = ended(capsys, *argv)
    assert code == 2 and out == "" and err.count("\n") == 1
    assert sentence in err and err.startswith("twin")


def test_version(capsys):
    from twin_env import __version__

    assert ended(capsys, "--version") == (0, f"twin {__version__}\n", "")


class Fake:
    """A command that does what a test wants."""

    HELP, EXAMPLES, INTERRUPTED = "fake", (), ", nothing was written"

    def __init__(self, run):
        self.run = run

    @staticmethod
    def add_arguments(parser):
        options.add_json(parser)


@pytest.fixture
def command(monkeypatch):
    def make(run):
        real = cli.import_module
        monkeypatch.setattr(cli, "COMMANDS", ("fake",))
        monkeypatch.setattr(cli, "import_module", lambda name: Fake(run) if name.endswith(".fake") else real(name))

    return make


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a is 3, expected 4"), "twin fake: a is 3, expected 4.\n"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), f"twin fake: {missing('torch')}.\n"),
        (OSError(28, "No space left on device", "runs/x"), "twin fake: runs/x: No space left on device.\n"),
    ],
)
def test_what_is_refused_while_it_runs_is_one_sentence(command, error, line, capsys):
    def run(arguments):
        raise error

    command(run)
    assert cli.main(["fake"]) == 2
    assert capsys.readouterr() == ("", line)


def test_every_problem_has_its_own_line(command, capsys):
    from twin_env.config import ConfigError

    def run(arguments):
        raise ConfigError(["one.", "two."])

    command(run)
    assert cli.main(["fake"]) == 2
    assert capsys.readouterr().err == "twin fake: one.\ntwin fake: two.\n"


def test_an_interruption_ends_with_130(command, capsys):
    def run(arguments):
        raise KeyboardInterrupt

    command(run)
    assert cli.main(["fake"]) == 130
    assert capsys.readouterr().err == "\ntwin fake: interrupted, nothing was written\n"


def test_a_module_that_is_ours_and_missing_is_no_extra(command):
    def run(arguments):
        raise ModuleNotFoundError("No module named 'twin_env.x'", name="twin_env.x")

    command(run)
    with pytest.raises(ModuleNotFoundError):
        cli.main(["fake"])


# --json


def test_json_on_standard_output_is_alone_there(command, capsys):
    def run(arguments):
        print("a table")
        arguments.json.write({"a": 1})
        return 0

    command(run)
    assert cli.main(["fake", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": 1}
    assert err == "a table\n"


def test_json_in_a_file_is_whole_and_prints_stay(command, capsys, tmp_path):
    def run(arguments):
        print("a table")
        arguments.json.write({"a": 1})
        return 0

    command(run)
    assert cli.main(["fake", "--json", str(tmp_path / "new" / "x.json")]) == 0
    assert capsys.readouterr().out == "a table\n"
    assert json.loads((tmp_path / "new" / "x.json").read_text()) == {"a": 1}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.json"]


# --set


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a.b=c", ("a.b", "c")),
        ("a=1e-3", ("a", 1e-3)),
        ("a=on", ("a", "on")),
        ("a=null", ("a", None)),
        ("a={b: [1, 2]}", ("a", {"b": [1, 2]})),
        ("a=b=c", ("a", "b=c")),
        ("a=", ("a", None)),
    ],
)
def test_a_setting_is_read_as_yaml(text, pair):
    assert options.setting(text) == pair


def test_settings_reach_the_environment_and_the_training():
    parser = ArgumentParser(prog="x")
    options.add_config(parser, "x")
    line = ["--env", "E", "--links", "vps", "--set", "task.lots=5", "hyperparams.gamma=0.9"]
    line += ["--set", "env_config.chaos=calm"]
    assert options.config_changes(parser.parse_whole(line)) == {
        "env": "E",
        "env_config.links": "vps",
        "env_config.task.lots": 5,
        "hyperparams.gamma": 0.9,
        "env_config.chaos": "calm",
    }


# The packages beside


def test_the_agents_are_ours():
    require_agents()


def test_a_foreign_package_of_that_name_is_refused(tmp_path, monkeypatch):
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "agents")
    with pytest.raises(ValueError, match=r"found another one in .*agents, expected"):
        require_agents()


def test_extras_are_those_of_the_distribution():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {package: package.replace("_", "-") for package in EXTRAS} | {"pydantic_ai": "pydantic-ai-slim"}
    for package, extra in EXTRAS.items():
        wanted = [re.split(r"[\[<>=]", line)[0] for line in project["optional-dependencies"][extra]]
        assert names[package] in wanted
        assert not any(line.startswith(names[package]) for line in project["dependencies"])


# Documents


def promised_lines():
    """Every command line in a block of code of README.md and docs, with the file that has it."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in re.findall(r"^```[a-z]*\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.match(r"\s*(?:\$ )?((?:twin|python (?:train|evaluate)\.py)( .*)?$)", line)
                if found:
                    yield path.name, found[1]


PROMISED = sorted(set(promised_lines()))


def test_documents_promise_commands():
    assert len(PROMISED) > 30


@pytest.mark.parametrize(("file", "line"), PROMISED)
def test_a_command_line_in_a_document_is_understood(file, line):
    words = shlex.split(re.sub(r"\$\w+", "1", line), comments=True)
    argv = words[1:] if words[0] == "twin" else [words[1].removesuffix(".py"), *words[2:]]
    assert isinstance(cli.parse(argv).arguments, argparse.Namespace)


def test_no_document_names_a_command_that_is_gone():
    gone = re.compile(r"python -m (twin_env|agents|benchmarks)[.\s`]|--env-kwargs|--hyperparams|tensorboard --logdir")
    files = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "configs").rglob("*.yaml")]
    files += [path for folder in ("twin_env", "agents", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    files += [ROOT / "Makefile", ROOT / "train.py", ROOT / "evaluate.py"]
    found = [f"{path.name}: {hit[0]}" for path in files for hit in gone.finditer(path.read_text(encoding="utf-8"))]
    assert found == ["__main__.py: python -m twin_env`"]


# The doors


@pytest.mark.parametrize("door", ["train", "evaluate"])
def test_a_door_calls_the_command(door):
    done = subprocess.run(
        [sys.executable, f"{door}.py", "--nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"twin {door}: '--nothing' is unknown")


def test_a_closed_pipe_is_no_traceback():
    code = f"{sys.executable} -m twin_env chaos list --kinds | head -n 1"
    done = subprocess.run(code, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_ctrl_c_is_one_line(tmp_path):
    command = [sys.executable, "-u", "-m", "twin_env", "stress", "--policy", "twap", "--out", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stderr.readline()  # the first step of the search
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "twin stress: interrupted, no report was written"
    assert "Traceback" not in err
