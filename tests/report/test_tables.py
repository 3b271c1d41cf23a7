"""Tables as plain text, on a terminal, as Markdown."""

import io
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from twin_env.report import tables
from twin_env.report.tables import WIDTH, Column, Table, interval_cells, open_console, show_facts
from twin_env.statistics import Interval

words = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=9)


def test_plain_columns_line_up():
    text = Table("title", ["", "long name"], [["a", "1"], ["bb", "22"]], {0}).plain()
    bar = "-" * 13
    assert text.splitlines() == ["title", bar, "    long name", bar, "a           1", bar, "bb         22", bar]


@given(
    st.integers(1, 9).flatmap(
        lambda count: st.lists(st.lists(words, min_size=count, max_size=count), min_size=1, max_size=5)
    )
)
def test_every_figure_is_there_and_lines_up_at_its_end(rows):
    """No cell is cut, wrapped or read as markup, whatever it looks like, and lines stay within the width."""
    headings = [f"h{number}" for number in range(len(rows[0]))]
    text = Table("t", headings, rows).plain(40)
    for part in text.split("\n\n"):
        title, bar, head, rule, *lines, last = part.splitlines()
        assert title == "t" and bar == rule == last == "-" * len(bar)
        assert len(bar) <= 40 and len(lines) == len(rows)
        ends = {name: head.index(name) + len(name) for name in head.split()}
        for line, row in zip(lines, rows, strict=True):
            for name, end in list(ends.items())[1:]:
                assert f" {line.ljust(end)[:end]}".endswith(f" {row[headings.index(name)]}")
            assert line.startswith(row[0])
    assert [name for line in text.splitlines() for name in line.split() if name in headings[1:]][-1:] == headings[1:][
        -1:
    ]


def test_a_table_that_is_too_wide_becomes_several_with_the_same_first_column():
    columns = ["", *(f"policy_{number}" for number in range(9))]
    text = Table("Mean", columns, [["shortfall, bps", *["-0.762 .. 0.840"] * 9], ["fills", *"123456789"]], {0}).plain()
    first, second = text.split("\n\n")
    assert first.splitlines()[2].split() == columns[1:7] and second.splitlines()[2].split() == columns[7:]
    assert max(map(len, text.splitlines())) <= WIDTH
    assert [part.splitlines()[-2].split() for part in (first, second)] == [["fills", *"123456"], ["fills", *"789"]]


def test_words_wrap_where_a_column_says_so_and_figures_do_not():
    columns = ["fault", Column("words", left=True, wraps=True), "lots"]
    text = Table("T", columns, [["halt", "the venue stops trading " * 9, "1,000,000"]]).plain(60)
    lines = text.splitlines()
    assert max(map(len, lines)) == 60 and "1,000,000" in lines[4] and lines[5].startswith("      the venue") is False
    assert (
        " ".join(" ".join(lines[4:-1]).replace("halt", "").replace("1,000,000", "").split())
        == ("the venue stops trading " * 9).strip()
    )


def test_a_single_column_that_is_too_wide_is_left_whole():
    assert "x" * 200 in Table("T", ["", "b"], [["x" * 200, "1"]]).plain()


def test_a_long_title_wraps():
    lines = Table("word " * 40, ["", "b"], [["a", "1"]]).plain().splitlines()
    assert len(lines[0]) <= WIDTH and lines[1].startswith("word")


def test_elsewhere_than_on_a_terminal_no_colour_and_no_frame_is_written(capsys):
    Table("T", ["", "b"], [["[red]a[/red]", ":smile:"]]).show()
    assert capsys.readouterr().out == Table("T", ["", "b"], [["[red]a[/red]", ":smile:"]]).plain() + "\n"


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_shows_a_frame_that_fits(monkeypatch, width):
    text = io.StringIO()
    terminal = Console(file=text, force_terminal=True, width=width, color_system=None)
    monkeypatch.setattr(tables, "open_console", lambda file=None: terminal)
    Table("T", ["", *(f"policy_{n}" for n in range(6))], [["net", *(f"-{n}3.24" for n in range(6))]], {0}).show()
    shown = text.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert re.findall(r"-\d3\.24", shown) == [f"-{n}3.24" for n in range(6)] and "┃" in shown


@pytest.mark.parametrize(
    ("interval", "cells"),
    [
        (None, ["-", "-"]),
        (Interval(math.nan, math.nan, math.nan, 0), ["-", "-"]),
        (Interval(1.0, math.nan, math.nan, 3), ["+1.00", "-"]),
        (Interval(1.0, -0.5, 2.5, 3), ["+1.00", "-0.50 .. +2.50"]),
    ],
)
def test_an_interval_fills_two_cells(interval, cells):
    assert interval_cells(interval, "+.2f") == cells


def test_markdown_keeps_bars_and_sides():
    columns = ["name", Column("what", left=True), "lots"]
    text = Table("T", columns, [["a|b", "c\nd", "1"]]).to_markdown()
    assert text.splitlines() == ["| name | what | lots |", "| --- | --- | ---: |", "| a\\|b | c<br>d | 1 |"]


def test_facts_are_aligned_and_wrapped(capsys):
    show_facts([("file", "[a]/b"), ("", "more"), ("problem", "word " * 40)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["file     [a]/b", "         more"]
    assert lines[2].startswith("problem  word") and lines[3].startswith("         word")
    assert all(len(line) <= WIDTH and line == line.rstrip() for line in lines)


def test_what_is_no_terminal_has_the_same_width_everywhere(monkeypatch):
    monkeypatch.setenv("COLUMNS", "33")
    assert open_console(io.StringIO()).width == WIDTH
