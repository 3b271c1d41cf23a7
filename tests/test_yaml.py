"""YAML 1.2 as configurations are written in: what scalars mean, what is refused, and that what is written is read."""

import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twin_env.config.yaml import MOST_CHARACTERS, YamlError, dump_yaml, parse_document, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("10:30", "10:30"),
        ("2025-06-02", "2025-06-02"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1e6", 1e6),
        ("-2E-3", -2e-3),
        (".5", 0.5),
        ("1.", 1.0),
        ("1_000", 1000),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("-.inf", -math.inf),
        ("'1e6'", "1e6"),
        ('"true"', "true"),
        ("1.2.3", "1.2.3"),
        ("lin_3e-4", "lin_3e-4"),
    ],
)
def test_scalars_mean_what_version_1_2_says(text, value):
    read = parse_yaml(f"key: {text}\n")["key"]
    assert (read, type(read)) == (value, type(value))


def test_not_a_number_is_read():
    assert math.isnan(parse_yaml("key: .nan")["key"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "line 2: key 'a' is there twice"),
        ("{a: 1, b: {c: 1, c: 2}}", "line 1: key 'c' is there twice"),
        ("a: *b\n", "line 1: \\*b names nothing above it"),
        ("a: &a [*a]\n", "names nothing above it"),
        ("a: !!python/object:os.system x\n", "the tag .* is not read here"),
        ("? [a]\n: 1\n", "a key is a list or a mapping"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document begins"),
        ("a: 1\n\tb: 2\n", "line 2: "),
        ("<<: 3\n", "adds something that is no mapping"),
        ("a: \x07\n", "unacceptable character"),
        ('a: "\\U99999999"\n', None),
        (f"a: {'1' * 5000}\n", None),
        ("[" * 3000, "nested more than"),
        ("a: " * 3000, None),
        ("x" * (MOST_CHARACTERS + 1), "at most"),
    ],
)
def test_what_is_refused_is_refused_at_once(text, message):
    started_s = time.perf_counter()
    with pytest.raises(YamlError, match=message):
        parse_yaml(text)
    assert time.perf_counter() - started_s < 5


def test_aliases_that_name_each_other_are_counted_before_they_are_expanded():
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 12)]
    text = "\n".join(lines)
    assert len(text) < 1000
    with pytest.raises(YamlError, match="more than 200,000 values"):
        parse_yaml(text)


def test_an_alias_is_a_copy_of_its_own():
    data = parse_yaml("a: &a {x: 1}\nb: *a\n")
    assert data == {"a": {"x": 1}, "b": {"x": 1}}


def test_merged_keys_give_way_to_those_of_the_mapping():
    text = "base: &base {x: 1, y: 2}\nown: {<<: *base, y: 3}\nboth: {<<: [{x: 5}, *base], z: 4}\n"
    assert parse_yaml(text) == {
        "base": {"x": 1, "y": 2},
        "own": {"x": 1, "y": 3},
        "both": {"x": 5, "y": 2, "z": 4},
    }


def test_what_was_read_is_not_changed_by_who_reads_it_again():
    first = parse_yaml("a: {b: [1]}")
    first["a"]["b"].append(2)
    assert parse_yaml("a: {b: [1]}") == {"a": {"b": [1]}}


def test_lines_are_those_of_keys_and_items():
    document = parse_document("a: 1\nb:\n  - x: 2\n  -\n    y: [3,\n      4]\n")
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", 0): 3,
        ("b", 0, "x"): 3,
        ("b", 1): 5,
        ("b", 1, "y"): 5,
        ("b", 1, "y", 0): 5,
        ("b", 1, "y", 1): 6,
    }


TEXTS = st.text(max_size=8) | st.sampled_from(
    ["on", "1e6", "0o17", "null", "~", "1_0", "<<", "- a", ": ", "#", "10:30"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS


@given(
    st.dictionaries(
        TEXTS.filter(lambda key: key != "<<"),
        st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)),
        max_size=4,
    ),
    st.sampled_from([None, False]),
)
@example({"?0": None, "? a": ["?", "?b"]}, None)
def test_what_is_written_is_read_back_with_its_types(data, flow):
    read = parse_yaml(dump_yaml(data, flow=flow))
    assert read == data
    assert repr(read) == repr(data)
