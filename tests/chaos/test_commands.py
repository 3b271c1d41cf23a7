"""The commands: what they print, what they write, and what they say to a wrong name."""

import json
import subprocess
import sys

import pytest

from twin_env.chaos import library
from twin_env.chaos.experiment import load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.schema import MODELS, schema_text
from twin_env.cli.main import main
from twin_env.config import parse_yaml, preset_names
from twin_env.core.state.jit import announce_compilation

HEAVY = ("torch", "stable_baselines3", "matplotlib")


def printed(capsys, *argv):
    announce_compilation()  # else the first command that compiles says so
    capsys.readouterr()
    assert main(["chaos", *argv]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys, *argv):
    assert main(["chaos", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"twin chaos {argv[0]}: ") and err.count("\n") == 1 and err.endswith(".\n")
    return err


# list


def test_list_has_every_file_of_the_library_black_swans_by_their_date(capsys):
    rows = json.loads(printed(capsys, "list", "--json", "-"))
    assert {row["name"] for row in rows} == set(preset_names(library.FOLDER))
    dates = [row["date"] for row in rows if row["family"] == library.BLACK_SWANS]
    assert dates == sorted(dates) and all(dates)
    first = rows[0]
    assert first["name"] == "es_2010_05_06"
    assert first["faults"] == [fault.kind for fault in load_experiment("es_2010_05_06").method]
    assert first["words"] == load_experiment("es_2010_05_06").describe()


def test_list_prints_a_table(capsys):
    out = printed(capsys, "list")
    for name in preset_names(library.FOLDER):
        assert name in out
    assert "2010-05-06" in out
    assert "KIND.low|mid|high|extreme" in out


def test_list_has_every_kind_with_its_plane_and_its_severities(capsys):
    rows = json.loads(printed(capsys, "list", "--kinds", "--json", "-"))
    assert [row["kind"] for row in rows] == list(KINDS)
    for row in rows:
        fault = KINDS[row["kind"]]
        assert (row["plane"], row["family"]) == (fault.plane, fault.family)
        assert row["severity_levels"] == {
            severity: dict(fault.severity_levels[severity]) for severity in library.SEVERITIES
        }
        assert row["words"].endswith(".")


def test_list_prints_a_table_of_kinds(capsys):
    out = printed(capsys, "list", "--kinds")
    for kind in KINDS:
        assert kind in out
    assert "high: move 16 sigma, fall_s 2" in out


def test_list_prints_markdown(capsys):
    out = printed(capsys, "list", "--markdown")
    assert "| `gold_2014_01_06` | 2014-01-06 |" in out
    assert "\n### gold_2014_01_06\n\nMeasured: " in out
    assert "\n\nReplica: " in out
    assert "\nSources:\n\n- " in out


# show


@pytest.mark.parametrize("name", ["gold_2014_01_06", "library:gold_2014_01_06", "flash_crash.high", "fat_finger"])
def test_show_prints_yaml_that_is_the_experiment(capsys, name):
    out = printed(capsys, "show", name)
    text = out[out.index("\ntitle: ") :]
    assert load_experiment(parse_yaml(text)) == load_experiment(name)


def test_show_tells_words_sources_and_faults(capsys):
    out = printed(capsys, "show", "gold_2014_01_06")
    experiment = load_experiment("gold_2014_01_06")
    flat = " ".join(out.split())
    assert out.startswith(experiment.title)
    assert experiment.describe() in flat
    for reference in experiment.provenance.references:
        assert f"Source: {reference}" in flat
    for fault in experiment.method:
        assert any(line.startswith(f"{fault.name}  ") for line in out.splitlines())
    assert experiment.hash[:12] in out


def test_show_prints_json_with_everything(capsys):
    shown = json.loads(printed(capsys, "show", "flash_crash.high", "--json", "-"))
    experiment = load_experiment("flash_crash.high")
    assert load_experiment(shown["experiment"]) == experiment
    assert shown["hash"] == experiment.hash
    assert shown["experiment"]["rollbacks"]["strategy"] == "always"


def test_show_takes_a_file(capsys, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("title: '[red]mine'\nmethod: [{kind: trading_halt, when: {at: on_event, event: first_fill}}]\n")
    out = printed(capsys, "show", str(path))
    assert out.startswith("[red]mine\n")
    assert "on_event: event first_fill, nth 1" in " ".join(out.replace("│", " ").split())


@pytest.mark.parametrize("name", sorted(preset_names(library.FOLDER)))
def test_show_shows_every_experiment(capsys, name):
    assert "Faults" in printed(capsys, "show", name)


# schema


def test_schema_writes_both_files(capsys, tmp_path):
    out = printed(capsys, "schema", "--out", str(tmp_path))
    assert out.split() == [str(tmp_path / name) for name in MODELS]
    for name in MODELS:
        assert (tmp_path / name).read_text() == schema_text(name)


def test_the_schema_requires_what_chooses_among_many():
    schema = json.loads(schema_text("experiment.schema.json"))
    assert schema["required"] == ["title"]
    assert schema["$defs"]["FlashCrash"]["required"] == ["kind", "move", "fall_s"]
    assert schema["$defs"]["Random"]["required"] == ["at", "to_s"]
    assert schema["additionalProperties"] is False
    kinds = schema["properties"]["method"]["items"]["discriminator"]["mapping"]
    assert set(kinds) == set(KINDS)


# check


def rows_of(printed_table):
    lines = [line.strip("| ").split(" | ") for line in printed_table.splitlines() if line.startswith("| ")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def test_check_runs_a_fault_alone_and_tells_asked_and_achieved(capsys, tmp_path):
    path = tmp_path / "check.json"
    out = printed(
        capsys, "check", "clock_skew", "order_delay", "--episodes", "2", "--severity", "low", "--json", str(path)
    )
    skew, delay = rows_of(out)
    assert (skew["fault"], skew["signal"]) == ("clock_skew", "offset_ms")
    assert float(skew["asked"]) == float(skew["achieved"]) == KINDS["clock_skew"].severity_levels["low"]["offset_ms"]
    assert delay["as asked"] == "2 of 2"
    written = json.loads(path.read_text())
    assert written["severity"] == "low"
    assert [row["fault"] for row in written["rows"]] == ["clock_skew", "order_delay"]
    assert written["rows"][0]["achieved"] == [float(skew["achieved"])] * 2


@pytest.mark.slow
def test_check_runs_a_fault_longer_than_experiments_are_by_default(capsys):
    (row,) = rows_of(printed(capsys, "check", "exchange_outage", "--episodes", "1", "--severity", "extreme"))
    assert float(row["achieved"]) >= 3600
    assert row["as asked"] == "1 of 1"


def test_check_says_what_was_asked_where_that_differs_from_run_to_run(capsys):
    (row,) = rows_of(printed(capsys, "check", "fat_finger", "--episodes", "2"))
    asked = [float(value) for value in row["asked"].split(" .. ")]
    assert asked[0] < asked[1]
    assert row["achieved"] == row["asked"]
    assert row["tolerance"] == "100% .. 100% of asked"


@pytest.mark.parametrize(
    ("argv", "message"), [(["nothing"], "expected one of flash_crash"), (["flash_crsh"], "did you mean 'flash_crash'")]
)
def test_check_refuses_what_it_cannot_run(capsys, argv, message):
    assert message in refused(capsys, "check", *argv)


# Refused


def test_a_wrong_name_is_one_sentence_with_the_nearest_names(capsys):
    message = refused(capsys, "show", "flash_crsh.high")
    assert "'flash_crsh.high'" in message and "'flash_crash.high'" in message


@pytest.mark.parametrize("name", ["", "nothing like it", "no/such.yaml", "gone.json", "library:es_2010"])
def test_what_is_not_there_is_refused_in_one_sentence(capsys, name):
    assert "expected" in refused(capsys, "show", name)


def test_a_file_that_is_no_experiment_is_refused(capsys, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("title: mine\nmetod: []\n")
    assert "did you mean 'method'" in refused(capsys, "show", str(path))


def test_a_folder_that_is_a_file_is_refused(capsys, tmp_path):
    (tmp_path / "none").write_text("a file")
    assert "cannot be written" in refused(capsys, "schema", "--out", str(tmp_path / "none"))


def test_markdown_of_kinds_is_refused(capsys):
    assert "--kinds" in refused(capsys, "list", "--kinds", "--markdown")


@pytest.mark.parametrize(
    "argv", [[], ["lst"], ["show"], ["gap", "--episodes", "0"], ["list", "--json", "-", "--markdown"]]
)
def test_a_wrong_command_line_ends_with_2(capsys, argv):
    with pytest.raises(SystemExit) as caught:
        main(["chaos", *argv])
    assert caught.value.code == 2


def test_the_commands_import_nothing_heavy():
    code = "import sys; from twin_env.cli.main import main; main(['chaos', 'show', 'flash_crash', '--json', '-'])"
    code += f"; print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
