"""Pictures of an evaluation for documents: waterfall, comparison, markouts, one PNG file each."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.alpha.derived import derive
from twin_env.alpha.parts import PARTS
from twin_env.extras import missing
from twin_env.files import whole_file
from twin_env.report.evaluation_page.document import known_interval, units_of
from twin_env.report.evaluation_page.sections.split import waterfall

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI: Final = 150
_GAIN: Final = "#0b6bcb"
_LOSS: Final = "#b35900"
_WIDTH_IN: Final = 7.0
_MARKERS: Final = {"maker": "o", "taker": "s", "all": "^"}
_LINES: Final = {"maker": "-", "taker": "--", "all": ":"}
_STEPS: Final = ("strategy", *PARTS, "net")


def draw_pictures(data: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw what a document has data for into a folder, and return the files.

    Args:
        data: The document of an evaluation.
        folder: Where to; made if it is not there.

    Raises:
        ValueError: matplotlib is not installed.
        WriteError: A file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError(f"{folder}: {missing('matplotlib')}.") from error
    document = derive(data)
    drawn = []
    for name, draw in _PICTURES.items():
        figure = Figure(dpi=_DPI, layout="constrained")
        if draw(figure, document):
            drawn.append(folder / f"{name}.png")
            with whole_file(drawn[-1]) as draft:
                figure.savefig(draft, dpi=_DPI)
    return drawn


def _draw_waterfall(figure: "Figure", document: Mapping[str, Any]) -> bool:
    policies, units = document["policies"], units_of(document)
    figure.set_size_inches(_WIDTH_IN, 0.25 * len(_STEPS) * len(policies) + 0.8 * len(policies))
    axes: Any = figure.subplots(len(policies), 1, squeeze=False)[:, 0]
    for axis, policy in zip(axes, policies, strict=True):
        begins, ends = waterfall(policy["alpha_ccy"])
        amounts = [policy["alpha_ccy"][name] for name in _STEPS]
        _draw_bars(axis, begins, ends, amounts)
        names = [
            f"{name.replace('_', ' ')}  {units.money(amount, '+')}"
            for name, amount in zip(_STEPS, amounts, strict=True)
        ]
        axis.set_yticks(range(len(_STEPS)), names)
        axis.set_title(policy["policy"], loc="left")
        axis.set_xlabel(f"mean per episode, {document['currency']}")
    return True


def _draw_bars(axis: Any, begins: Sequence[float], ends: Sequence[float], amounts: Sequence[float]) -> None:
    for row, (begin, end, amount) in enumerate(zip(begins, ends, amounts, strict=True)):
        gains = amount >= 0
        style = {"color": _GAIN} if gains else {"facecolor": "white", "edgecolor": _LOSS, "hatch": "////"}
        axis.barh(row, end - begin, left=begin, height=0.65, **style)
    axis.axvline(0.0, color="black", linewidth=0.8)
    axis.invert_yaxis()


def _draw_comparison(figure: "Figure", document: Mapping[str, Any]) -> bool:
    comparison, objective = document["derived"]["comparison"], document["derived"]["objective"]
    rows = [row for row in comparison["rows"] if row["difference"] is not None]
    if not rows:
        return False
    figure.set_size_inches(_WIDTH_IN, 0.4 * len(rows) + 1.2)
    axis: Any = figure.subplots()
    for number, row in enumerate(rows):
        difference = row["difference"]
        if difference["low"] is not None and difference["high"] is not None:
            axis.plot([difference["low"], difference["high"]], [number, number], color=_GAIN, linewidth=2)
        axis.plot(difference["mean"], number, "o", color=_GAIN)
    axis.axvline(0.0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(rows)), [f"{row['policy']}: {row['words']}" for row in rows])
    axis.invert_yaxis()
    unit = document["currency"] if objective["unit"] == "ccy" else objective["unit"]
    axis.set_xlabel(f"{objective['title']} minus that of {document['baseline']}, {unit}, with interval")
    return True


def _draw_markouts(figure: "Figure", document: Mapping[str, Any]) -> bool:
    policies = [policy for policy in document["policies"] if (policy.get("markouts") or {}).get("groups")]
    if not policies:
        return False
    figure.set_size_inches(_WIDTH_IN, 2.6 * len(policies))
    axes: Any = figure.subplots(len(policies), 1, squeeze=False)[:, 0]
    for axis, policy in zip(axes, policies, strict=True):
        for group in policy["markouts"]["groups"]:
            if group["counterparty"] == "all":
                _draw_markout(axis, policy["markouts"]["horizons_s"], group)
        axis.axhline(0.0, color="black", linewidth=0.8)
        axis.set(xscale="log", xlabel="seconds since the fill", ylabel=f"markout of a lot, {document['currency']}")
        axis.minorticks_off()
        horizons_s = policy["markouts"]["horizons_s"]
        axis.set_xticks(horizons_s, [f"{horizon:g}" for horizon in horizons_s])
        axis.set_title(policy["policy"], loc="left")
        if axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False)
    return True


def _draw_markout(axis: Any, horizons_s: Sequence[float], group: Mapping[str, Any]) -> None:
    kind, markouts = group["liquidity"], group["markout_ccy"]
    every = [(horizon, known_interval(each)) for horizon, each in zip(horizons_s, markouts, strict=True)]
    points = [(horizon, each) for horizon, each in every if each["mean"] is not None]
    style = {"marker": _MARKERS[kind], "linestyle": _LINES[kind], "label": "all fills" if kind == "all" else kind}
    (line,) = axis.plot([horizon for horizon, _ in points], [each["mean"] for _, each in points], **style)
    for horizon, each in points:
        if each["low"] is not None and each["high"] is not None:
            axis.plot([horizon, horizon], [each["low"], each["high"]], color=line.get_color(), linewidth=0.8)


_PICTURES: Final[dict[str, Callable[["Figure", Mapping[str, Any]], bool]]] = {
    "waterfall": _draw_waterfall,
    "comparison": _draw_comparison,
    "markouts": _draw_markouts,
}
"""By file: draws into a figure what a document has, and says whether it has anything."""
