"""Strategy Alpha against Execution Alpha: where the money came from and where it went."""

from typing import Final

from twin_env.alpha.parts import FIRST_PART, MEANINGS, PARTS, SPLIT_NAMES
from twin_env.report.evaluation_page.blocks import Block, Facts, Figure, Figures, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Part, Parts
from twin_env.report.evaluation_page.shapes import WIDTH, Axis, Bar, Label, Rule, Shape

_LEFT: Final = 100.0
_RIGHT: Final = 310.0
_ROW: Final = 20.0
_THICK: Final = 12.0
_STEPS: Final = ("strategy", *PARTS, "net")
_ALTERNATIVE: Final = (
    "A waterfall: it starts with what the strategy's decisions made, adds each part of execution in turn, and ends at "
    "the net result. The amounts are those of the table below it."
)


def make_split(document: Document) -> Section:
    """Return a waterfall per policy, and the table of all parts."""
    blocks: list[Block] = [
        Paragraph(
            (
                "Strategy is what the decisions would have made had each been filled in full at its desired price; "
                "execution is what carrying them out added or cost. Means per episode, positive when they earned; "
                "losses are hatched. Each waterfall has a scale of its own.",
            )
        ),
        *_basis(document),
        Figures([draw_waterfall(document, place) for place in document.policies]),
        _table(document),
        Paragraph((_exact(document),), "note"),
    ]
    meanings = [(name.replace("_", " "), (meaning,)) for name, meaning in MEANINGS.items()]
    blocks.append(Facts(meanings))
    return Section("split", "Strategy and execution", blocks)


def _basis(document: Document) -> list[Block]:
    """Return what the split is told of, where the document says so."""
    if not document.get("basis.quantity"):
        return []
    quantity, price = (document.number(f"basis.{name}", "text") for name in ("quantity", "desired_price"))
    return [Paragraph(("Told of ", quantity, "; a decision to trade at once wishes for the ", price, "."), "note")]


def _exact(document: Document) -> str:
    if not document.get("sums_exact"):
        return "Whether the parts sum to their totals was not checked."
    return (
        "In every episode the parts sum to execution, and strategy and execution to net, exactly, in whole millionths."
    )


def draw_waterfall(document: Document, place: int) -> Figure:
    """Return the waterfall of one policy."""
    begins, ends = waterfall(document.get(f"policies.{place}.alpha_ccy"))
    axis = Axis.over([*begins, *ends], _LEFT, _RIGHT)
    shapes: list[Shape] = [Rule(axis(0.0), 0.0, axis(0.0), _ROW * len(_STEPS), "zero")]
    for number, name in enumerate(_STEPS):
        shapes += _row(document, f"policies.{place}.alpha_ccy.{name}", number, axis, (begins[number], ends[number]))
    return Figure((document.name(place),), _ALTERNATIVE, WIDTH, _ROW * len(_STEPS) + 4, shapes)


def waterfall(alpha: dict[str, float]) -> tuple[list[float], list[float]]:
    """Return where each bar begins and ends: strategy from zero, each part where the last one ended, net from zero."""
    level = alpha["strategy"]
    begins, ends = [0.0], [level]
    for part in PARTS:
        begins.append(level)
        level += alpha[part]
        ends.append(level)
    return [*begins, 0.0], [*ends, alpha["net"]]


def _row(document: Document, path: str, number: int, axis: Axis, ends: tuple[float, float]) -> list[Shape]:
    name, top = _STEPS[number], number * _ROW
    left, right = sorted((axis(ends[0]), axis(ends[1])))
    is_total = name in SPLIT_NAMES[:FIRST_PART]
    kind = ("total " if is_total else "") + ("gain" if document.get(path) >= 0 else "loss")
    shapes: list[Shape] = [
        Label(_LEFT - 8, top + 14, (name.replace("_", " "),), "end"),
        Bar(left, top + (_ROW - _THICK) / 2, max(right - left, 1.0), _THICK, kind),
        Label(WIDTH - 2, top + 14, (document.number(path, "ccy+"),), "end", "value"),
    ]
    if number < len(_STEPS) - 1:
        shapes.append(Rule(axis(ends[1]), top + (_ROW + _THICK) / 2, axis(ends[1]), top + _ROW * 1.5, "link"))
    return shapes


def _table(document: Document) -> Table:
    names = [name.replace("_", " ") for name in SPLIT_NAMES]
    rows: list[list[Parts]] = [
        [(name,), *((document.number(f"policies.{place}.alpha_ccy.{key}", "ccy+"),) for place in document.policies)]
        for name, key in zip(names, SPLIT_NAMES, strict=True)
    ]
    rows += _rates(document)
    count = len(SPLIT_NAMES)
    columns: list[Parts] = [("",), *((document.name(place),) for place in document.policies)]
    title: Parts = ("Mean per episode, ", document.number("currency", "text"))
    parts_of = frozenset(range(FIRST_PART, count))
    return Table(title, columns, rows, rules=frozenset({FIRST_PART - 1, count - 1}), parts_of=parts_of)


def _rates(document: Document) -> list[list[Parts]]:
    def row(name: str, key: str, form: str) -> list[Parts]:
        cells: list[Part] = [document.number(f"policies.{place}.{key}", form) for place in document.policies]
        return [(name,), *((cell,) for cell in cells)]

    against = [("beyond VWAP, bps", "market"), ("own trades left out, bps", "others")]
    has_vwap = all(document.get(f"policies.{place}.vwap_bps") for place in document.policies)
    return [
        *(row(name, f"vwap_bps.{key}.mean", "bps+") for name, key in against if has_vwap),
        row("lots filled", "filled_share", "share"),
        row("fills", "fills_per_episode", "one"),
        row("steps", "steps_per_episode", "one"),
        row("episodes", "episodes", "count"),
    ]
