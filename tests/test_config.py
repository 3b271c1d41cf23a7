import math
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from twin_env.config import Config, ConfigError, Preset, dump_yaml, load_config, preset_names
from twin_env.envs.execution.config import ExecutionConfig, OrdersAction, ScheduleAction
from twin_env.envs.execution.sizes import SIZES
from twin_env.market.instrument import Instrument
from twin_env.market.links import LinksConfig


class Circle(Config):
    shape: Literal["circle"] = "circle"
    radius_mm: float = Field(gt=0)


class Square(Config):
    shape: Literal["square"] = "square"
    side_mm: float = Field(gt=0)


class Part(Config):
    name: str
    count: int = Field(default=1, ge=0)
    outline: Annotated[Circle | Square, Field(discriminator="shape")]
    holes_mm: tuple[float, ...] = ()
    painted: bool = False
    width: float | Literal["fit"] = "fit"
    instrument: Annotated[Instrument, Preset("instruments")] = Field(default="mgc", validate_default=True)


PART = {"name": "disc", "outline": {"shape": "circle", "radius_mm": 2.5}}


def problems(source, **overrides):
    with pytest.raises(ConfigError) as caught:
        load_config(Part, source, **overrides)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "part.yaml"
    path.write_text(text, encoding="utf-8")
    return path


# Sources


def test_a_mapping_a_file_and_a_model_give_the_same_model(tmp_path):
    path = write(tmp_path, dump_yaml(PART))
    from_mapping = load_config(Part, PART)
    assert load_config(Part, path) == load_config(Part, str(path)) == from_mapping
    assert load_config(Part, from_mapping) is from_mapping


def test_none_gives_the_defaults():
    class AllDefaults(Config):
        count: int = 3

    assert load_config(AllDefaults, None) == AllDefaults()


def test_a_preset_is_found_by_name():
    assert load_config(Instrument, "mgc", folder="instruments").symbol == "MGC"
    assert "mgc" in preset_names("instruments")


def test_an_installed_copy_of_the_presets_goes_first(tmp_path, monkeypatch):
    for root, symbol in (("installed", "INSTALLED"), ("repository", "REPOSITORY")):
        folder = tmp_path / root / "instruments"
        folder.mkdir(parents=True)
        fields = load_config(Instrument, "mgc", folder="instruments").model_dump() | {"symbol": symbol}
        (folder / "x.yaml").write_text(dump_yaml(fields), encoding="utf-8")
    monkeypatch.setattr("twin_env.config.presets.FOLDERS", (tmp_path / "installed", tmp_path / "repository"))
    assert load_config(Instrument, "x", folder="instruments").symbol == "INSTALLED"
    (tmp_path / "installed/instruments/x.yaml").unlink()
    assert load_config(Instrument, "x", folder="instruments").symbol == "REPOSITORY"
    assert preset_names("instruments") == ["x"]


def test_an_unknown_preset_lists_the_presets_and_suggests_one():
    with pytest.raises(ConfigError) as caught:
        load_config(Instrument, "mgx", folder="instruments")
    names = ", ".join(preset_names("instruments"))
    assert str(caught.value) == (
        f"configs/instruments: there is no preset 'mgx' (did you mean 'mgc'?), expected one of {names}."
    )


def test_models_are_immutable_and_hashable():
    part = load_config(Part, PART)
    with pytest.raises(ValidationError):
        part.count = 2
    assert hash(part) == hash(load_config(Part, PART))


# Overrides


def test_overrides_replace_values_and_reach_into_mappings():
    part = load_config(Part, PART, count=4, **{"outline.radius_mm": 9})
    assert (part.count, part.outline.radius_mm, part.name) == (4, 9.0, "disc")


def test_overrides_do_not_touch_the_source():
    load_config(Part, PART, **{"outline.radius_mm": 9})
    assert PART["outline"]["radius_mm"] == 2.5


@pytest.mark.parametrize("source", [PART, PART | {"instrument": "mgc"}, load_config(Part, PART)])
def test_overrides_reach_into_presets_and_defaults(source):
    part = load_config(Part, source, **{"instrument.taker_fee_ccy_per_lot": 0.5})
    assert part.instrument == part.instrument.model_copy(update={"taker_fee_ccy_per_lot": 0.5})
    assert part.instrument.symbol == "MGC"


def test_an_override_cannot_reach_into_a_number():
    assert problems(PART | {"count": 3}, **{"count.x": 1}) == [
        "Part with overrides: count.x cannot be set, count is 3, expected a mapping there."
    ]


def test_a_bad_override_is_told_as_such():
    assert problems(PART, count=-1) == ["Part with overrides: count is -1, expected at least 0."]


# Numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e6", 1e6),
        ("1.0e6", 1e6),
        ("-2E-3", -2e-3),
        (".5e3", 500.0),
        ("1_000.5e1", 10_005.0),
        ("'1e6'", 1e6),
        ("3", 3.0),
    ],
)
def test_yaml_numbers_with_an_exponent_are_numbers(tmp_path, text, number):
    path = write(tmp_path, dump_yaml(PART) + f"holes_mm: [{text}]\n")
    assert load_config(Part, path).holes_mm == (number,)


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_any_way_to_write_a_float_is_read_back_exactly(number):
    mapping = {"shape": "circle", "radius_mm": f"{number:e}" if number == float(f"{number:e}") else repr(number)}
    assert load_config(Circle, mapping).radius_mm == number


def test_an_integer_may_have_an_exponent(tmp_path):
    assert load_config(Part, write(tmp_path, dump_yaml(PART) + "count: 1e3\n")).count == 1000


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_are_finite(number):
    assert problems(PART | {"holes_mm": [1.0, number]}) == [f"Part: holes_mm[1] is {number}, expected a finite number."]


@pytest.mark.parametrize("word", ["yes", "on", "true", "False"])
def test_yes_and_on_are_no_numbers(tmp_path, word):
    path = write(tmp_path, dump_yaml(PART) + f"count: {word}\nholes_mm: [{word}]\npainted: {word}\n")
    said = repr(word if word in ("yes", "on") else word.lower())
    assert problems(path) == [
        f"{path}: line 5: count is {said}, expected an integer.",
        f"{path}: line 6: holes_mm[0] is {said}, expected a number.",
    ]


# Refusals


def test_every_problem_has_its_own_sentence():
    found = problems({"count": "many", "outline": {"shape": "circle", "radius_mm": -1}, "holes": []})
    assert found == [
        "Part: name is missing, expected a text.",
        "Part: count is 'many', expected an integer.",
        "Part: outline.radius_mm is -1, expected more than 0.",
        "Part: holes is [], an unknown key (did you mean 'holes_mm'?), "
        "expected one of count, holes_mm, instrument, name, outline, painted, width.",
    ]


def test_an_unknown_key_of_a_union_member_lists_the_keys_of_that_member():
    assert problems(PART | {"outline": {"shape": "square", "side_mm": 1, "radius_mm": 1}}) == [
        "Part: outline.radius_mm is 1, an unknown key, expected one of shape, side_mm."
    ]


def test_the_kind_of_a_union_must_be_known():
    assert problems(PART | {"outline": {"shape": "squre"}}) == [
        "Part: outline.shape is 'squre' (did you mean 'square'?), expected one of circle, square."
    ]
    assert problems(PART | {"outline": {"side_mm": 1}}) == [
        "Part: outline.shape is missing, expected one of circle, square."
    ]


def test_alternatives_for_one_key_share_a_sentence():
    assert problems(PART | {"width": "wide"}) == ["Part: width is 'wide', expected a number or one of fit."]


def test_a_problem_inside_a_preset_names_both_places(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("symbol: X\n", encoding="utf-8")
    path = write(tmp_path, dump_yaml(PART | {"instrument": str(broken)}))
    assert f"{path}: line 5: instrument: {broken}: tick_size is missing, expected a number." in problems(path)


def test_a_rule_between_keys_names_them_itself():
    class Span(Config):
        low: int
        high: int

        @model_validator(mode="after")
        def _check(self):
            if self.low > self.high:
                raise ValueError(f"low {self.low} is above high {self.high}")
            return self

    class Spans(Config):
        inner: Span

    with pytest.raises(ConfigError) as caught:
        load_config(Spans, {"inner": {"low": 2, "high": 1}})
    assert str(caught.value) == "Spans: inner: low 2 is above high 1."


def test_the_file_is_named(tmp_path):
    path = write(tmp_path, dump_yaml(PART | {"count": -3}))
    assert problems(path) == [f"{path}: line 5: count is -3, expected at least 0."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\nname: b\n", "line 2: key 'name' is there twice, expected valid YAML."),
        (
            "name: a\noutline:\n  shape: circle\n  shape: circle\n",
            "line 4: key 'shape' is there twice, expected valid YAML.",
        ),
        ("name: [a\n", "line 2: expected ',' or ']', but got '<stream end>', expected valid YAML."),
        ("- a\n- b\n", "holds a list, expected a mapping of keys to values."),
        ("name: !!python/object:os.system x\n", None),
        ("? [name, count]\n: 3\n", None),
        ("name: a\n\tcount: 3\n", None),
        ("name: \x07\n", None),
    ],
)
def test_yaml_that_is_none_is_refused(tmp_path, text, said):
    path = write(tmp_path, text)
    (problem,) = problems(path)
    assert problem.startswith(f"{path}: ") and problem.endswith(".")
    assert said is None or problem == f"{path}: {said}"


def test_a_merge_key_is_no_duplicate(tmp_path):
    path = write(tmp_path, "name: a\noutline: {<<: {shape: circle, radius_mm: 1}, radius_mm: 2}\n")
    assert load_config(Part, path).outline == Circle(radius_mm=2)


@pytest.mark.parametrize("missing", ["nowhere.yaml", "./nowhere", Path("nowhere")])
def test_a_missing_file_is_refused(missing):
    assert problems(missing) == [f"{missing}: cannot be read (No such file or directory), expected a YAML file."]


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "part.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    assert problems(path) == [f"{path}: is not UTF-8 text, expected a YAML file."]


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    path = write(tmp_path, "# nothing yet\n")
    assert f"{path}: name is missing, expected a text." in problems(path)


def test_a_source_of_another_kind_is_refused():
    assert problems(3) == ["Part: the source is 3, expected a preset, a path, a mapping or a model."]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["orders", "delay", "model", "mean_ms", "x"]), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_any_refusal_is_whole_sentences(value):
    base = load_config(LinksConfig, "retail", folder="links").model_dump()
    for source in ({"orders": value}, base | {"orders": {"delay": value}}, base | {"decision_ms": value}):
        try:
            load_config(LinksConfig, source)
        except ConfigError as error:
            assert error.problems
            for problem in error.problems:
                assert problem.startswith("LinksConfig: ") and problem.endswith(".") and "expected " in problem


def test_reading_a_configuration_loads_nothing_heavy():
    script = (
        "import sys; from twin_env.market import LinksConfig; from twin_env.config import load_config; "
        "load_config(LinksConfig, 'retail', folder='links'); "
        "print([m for m in ('scipy', 'torch', 'matplotlib', 'polars', 'stable_baselines3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("order", [1, -1])
def test_an_override_that_chooses_another_member_of_a_union_leaves_the_keys_of_the_first_behind(order):
    changes = dict([("action.codec", "schedule"), ("action.max_participation", 0.3)][::order])
    config = load_config(ExecutionConfig, None, **changes)
    assert config.action == ScheduleAction(codec="schedule", max_participation=0.3)
    same = load_config(ExecutionConfig, {"action": {"slots": 2}}, **{"action.codec": "orders"})
    assert same.action == OrdersAction(slots=2, sizes=SIZES)


# Extending


def files(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


BASE = "name: disc\noutline: {shape: circle, radius_mm: 2.5}\nholes_mm: [1, 2]\ninstrument: mgc\n"


def test_a_document_extends_another_and_mappings_are_merged(tmp_path):
    files(tmp_path, base=BASE, part="extends: base.yaml\noutline: {radius_mm: 3}\nholes_mm: [5]\n")
    part = load_config(Part, tmp_path / "part.yaml")
    assert part == load_config(Part, PART | {"outline": {"shape": "circle", "radius_mm": 3}, "holes_mm": [5]})


def test_what_is_extended_is_found_beside_the_document(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    files(tmp_path, base=BASE)
    files(tmp_path / "inner", part="extends: ../base.yaml\ncount: 2\n")
    monkeypatch.chdir("/")
    assert load_config(Part, tmp_path / "inner" / "part.yaml").count == 2


def test_a_preset_is_extended_by_its_name_in_a_file_and_in_a_mapping(tmp_path):
    plain = load_config(Instrument, "mgc", folder="instruments")
    files(tmp_path, mine="extends: mgc\ntick_size: 0.2\n")
    from_file = load_config(Instrument, tmp_path / "mine.yaml", folder="instruments")
    assert from_file == plain.model_copy(update={"tick_size": 0.2})
    assert load_config(Instrument, {"extends": "mgc", "tick_size": 0.2}, folder="instruments") == from_file
    assert load_config(Part, PART | {"instrument": {"extends": "mgc", "tick_size": 0.2}}).instrument == from_file


def test_a_mapping_over_a_presets_name_changes_single_keys_of_it(tmp_path):
    files(tmp_path, base=BASE, part="extends: base.yaml\ninstrument: {symbol: MINE}\n")
    part = load_config(Part, tmp_path / "part.yaml")
    assert part.instrument == load_config(Instrument, "mgc", folder="instruments").model_copy(update={"symbol": "MINE"})


def test_another_member_of_a_union_leaves_the_keys_of_the_base_behind(tmp_path):
    files(tmp_path, base=BASE, part="extends: base.yaml\noutline: {shape: square, side_mm: 1}\n")
    assert load_config(Part, tmp_path / "part.yaml").outline == Square(side_mm=1)


def test_overrides_reach_through_what_is_extended(tmp_path):
    files(tmp_path, base=BASE, part="extends: base.yaml\n")
    assert load_config(Part, tmp_path / "part.yaml", **{"outline.radius_mm": 9}).outline.radius_mm == 9
    part = load_config(Part, PART | {"instrument": {"extends": "mgc"}}, **{"instrument.symbol": "MINE"})
    assert part.instrument.symbol == "MINE"


def test_a_problem_is_told_with_the_document_and_the_line_that_has_it(tmp_path):
    files(tmp_path, base=BASE.replace("2.5", "-1"), part="extends: base.yaml\n\ncount: -3\n")
    (tmp_path / "part.yaml").write_text("extends: base.yaml\n\ncount: -3\n", encoding="utf-8")
    found = problems(tmp_path / "part.yaml")
    assert found == [
        f"{tmp_path}/part.yaml: line 3: count is -3, expected at least 0.",
        f"{tmp_path}/base.yaml: line 2: outline.radius_mm is -1, expected more than 0.",
    ]


def test_a_circle_is_refused_in_one_sentence(tmp_path):
    files(tmp_path, a="extends: b.yaml\n", b="extends: a.yaml\n", c="extends: c.yaml\n")
    a, b = tmp_path / "a.yaml", tmp_path / "b.yaml"
    assert problems(a) == [f"{a}, which extends {b}, which extends {a}: a circle, expected documents that end."]
    assert len(problems(tmp_path / "c.yaml")) == 1


def test_a_chain_is_bounded(tmp_path):
    files(tmp_path, **{f"p{k}": f"extends: p{k + 1}.yaml\n" for k in range(12)}, p12=BASE)
    assert problems(tmp_path / "p0.yaml") == [f"{tmp_path}/p0.yaml: extends more than 10 documents in a row."]
    assert load_config(Part, tmp_path / "p3.yaml").name == "disc"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: [a]\n", "line 1: extends is ['a'], expected the name of a preset or a path."),
        ("extends: ./gone.yaml\n", None),
        ("name: x\nextends: 3\n", "line 2: extends is 3, expected the name of a preset or a path."),
    ],
)
def test_what_cannot_be_extended_is_refused(tmp_path, text, said):
    path = write(tmp_path, text)
    (problem,) = problems(path)
    assert said is None or problem == f"{path}: {said}"


def test_a_file_that_is_no_configuration_is_not_shown(tmp_path):
    path = write(tmp_path, "root:x:0:0:root:/root:/bin/sh")
    assert problems(path) == [f"{path}: holds a single value, expected a mapping of keys to values."]
