"""An evaluation as Markdown and as pictures."""

import sys

import pytest
from PIL import Image

from benchmarks.report import make_document
from twin_env.report.evaluation_page.markdown import write_markdown
from twin_env.report.evaluation_pictures import draw_pictures


def test_markdown_has_the_verdict_and_every_table():
    document = make_document(2, 12)
    text = write_markdown(document)
    lines = text.splitlines()
    assert lines[0] == "# Evaluation" and "has the highest mean net result" in text
    fees = next(line for line in lines if line.startswith("| fees |"))
    means = [policy["alpha_ccy"]["fees"] for policy in document["policies"]]
    assert fees == f"| fees | {' | '.join(('+' if m > 0 else chr(0x2212)) + f'${abs(m):.2f}' for m in means)} |"
    for title in ("Strategy and execution", "Comparison", "Trading", "Markouts", "Cost ladder", "Capacity"):
        assert f"## {title}" in lines
    widths = [line.count("|") for line in lines if line.startswith("| --- |")]
    assert len(widths) > 12 and text.endswith("|\n")


@pytest.mark.parametrize(
    ("policies", "trades", "names"),
    [(2, True, ["waterfall", "comparison", "markouts"]), (1, False, ["waterfall", "markouts"])],
)
def test_pictures_are_drawn_of_what_there_is(policies, trades, names, tmp_path):
    drawn = draw_pictures(make_document(policies, 9, trades=trades), tmp_path / "pictures")
    assert [path.stem for path in drawn] == names
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == sorted(f"{name}.png" for name in names)
    for path in drawn:
        with Image.open(path) as picture:
            assert picture.format == "PNG" and picture.width >= 900 and len(picture.convert("L").getcolors()) > 20


def test_pictures_without_matplotlib_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ValueError, match="matplotlib is not installed, expected it: pip install"):
        draw_pictures(make_document(1, 3), tmp_path)
    assert not list(tmp_path.iterdir())


def test_markouts_that_there_are_not_are_left_out_of_the_picture(tmp_path):
    document = make_document(2, 5)
    for group in document["policies"][0]["markouts"]["groups"]:
        group["markout_ccy"] = [None, *group["markout_ccy"][1:]]
    document["policies"][1]["markouts"]["groups"] = document["policies"][1]["markouts"]["groups"][2:]  # none of all
    assert (tmp_path / "markouts.png") in draw_pictures(document, tmp_path)
