"""What ``twin evaluate`` writes: figures, page, tables as Markdown, pictures, curves for TensorBoard."""

import argparse
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin_env.extras import missing
from twin_env.files import write_json, write_text

if TYPE_CHECKING:
    from twin_env.alpha.results import Result


def write_files(
    arguments: argparse.Namespace,
    data: Mapping[str, Any],
    explored: Sequence[Mapping[str, Any]],
    results: "Sequence[Result]",
    folder: Path,
) -> None:
    """Write figures, page and curves into the run's folder; if one cannot be written, the episodes stay there.

    Args:
        arguments: Of the command.
        data: The document of the evaluation.
        explored: Sampled episodes: in the page, not in the file of figures.
        results: What the curves are of.
        folder: Of the run.
    """
    from twin_env.report.evaluation_page.page import render_page

    page = render_page({**data, "explorer": {"episodes": list(explored)}})
    report_file = arguments.report or folder / "report.html"
    if arguments.json:
        arguments.json.write(data)
    else:
        write_json(folder / "results.json", data)
    write_text(report_file, page)
    write_tables(arguments, data)
    write_curves(folder, results, data["currency"])
    print(f"\nFigures:     {arguments.json or folder / 'results.json'}\nReport:      {report_file}")
    print(f"TensorBoard: twin board {arguments.out}")


def write_tables(arguments: argparse.Namespace, data: Mapping[str, Any]) -> None:
    """Write the tables as Markdown and the pictures where they are asked for."""
    from twin_env.report.evaluation_page.markdown import write_markdown
    from twin_env.report.evaluation_pictures import draw_pictures

    if arguments.markdown:
        write_text(arguments.markdown, write_markdown(data))
    if arguments.png:
        draw_pictures(data, arguments.png)


def check_pictures(arguments: argparse.Namespace) -> None:
    """Refuse now what would fail after an hour: pictures without what draws them.

    Raises:
        ValueError: matplotlib is not installed.
    """
    if arguments.png and find_spec("matplotlib") is None:
        raise ValueError(f"--png: {missing('matplotlib')}.")


def write_curves(folder: Path, results: "Sequence[Result]", currency: str) -> None:
    """Write the figures for TensorBoard under the tags of training: rules draw as lines beside its curve."""
    for package, what in (("tensorboard", "curves"), ("matplotlib", "pictures in TensorBoard")):
        if find_spec(package) is None:
            print(f"\nNo {what}: {missing(package)}")
    if find_spec("tensorboard") is None:
        return
    from twin_env.report.tensorboard import write_results

    write_results(folder, results, (0, max([1, *(result.timesteps for result in results)])), currency)
