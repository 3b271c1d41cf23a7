"""What came out, in a sentence."""

from typing import Final

from twin_env.report.evaluation_page.blocks import Block, Paragraph, Section
from twin_env.report.evaluation_page.document import Document, Parts

_MANY: Final = 3
"""Policies from which on the choice of the best flatters it."""
_LEVEL: Final = ("confidence", "percent")


def make_verdict(document: Document) -> Section:
    """Return the best policy by what judges them, and how sure that is; then where its result came from."""
    verdict = document.get("derived.verdict")
    blocks: list[Block] = [Paragraph(_result(document, verdict), "verdict"), Paragraph(_split(document, verdict))]
    if verdict["compared"] is not None:
        blocks.insert(1, Paragraph(_certainty(document, verdict), "verdict"))
    if len(document.policies) >= _MANY:
        blocks.append(
            Paragraph(("The best was chosen after the episodes were played, which flatters it a little.",), "note")
        )
    return Section("verdict", "Verdict", blocks)


def objective_parts(document: Document, path: str, form: str = "") -> Parts:
    """Return a figure of the objective with its unit."""
    unit = document.get("derived.objective.unit")
    number = document.number(path, objective_form(document) + form)
    return (number,) if unit == "ccy" or isinstance(number, str) else (number, "\u202fbps")


def objective_form(document: Document) -> str:
    """Return the format of a figure of the objective; followed by ``+`` it is that of a difference."""
    return "ccy" if document.get("derived.objective.unit") == "ccy" else "bps"


def interval_parts(document: Document, path: str) -> Parts:
    """Return ``95 % interval: low to high`` of a difference in the objective."""
    level = document.number("confidence", "percent")
    return (level, " interval ", *document.interval(path, f"{objective_form(document)}+"))


def _result(document: Document, verdict: dict[str, int]) -> Parts:
    best = verdict["best"]
    title = document.get("derived.objective.title")
    mean = objective_parts(document, f"derived.comparison.rows.{best}.value.mean")
    count = document.number("derived.distributions.0.n", "count")
    if len(document.policies) == 1:
        interval = document.interval(f"derived.comparison.rows.{best}.value", objective_form(document))
        of_one = (f" has a mean {title} of ", *mean, " over ", count, " episodes (", document.number(*_LEVEL))
        return (document.name(best), *of_one, " interval ", *interval, ").")
    way = "lowest" if document.get("derived.objective.lower_is_better") else "highest"
    return (document.name(best), f" has the {way} mean {title}: ", *mean, " over ", count, " episodes.")


def _certainty(document: Document, verdict: dict[str, int]) -> Parts:
    row = f"derived.comparison.rows.{verdict['compared']}"
    mean = objective_parts(document, f"{row}.difference.mean", "+")
    if verdict["best_is_baseline"]:
        start: Parts = (
            "It is the baseline. The next best, ",
            document.name(verdict["compared"]),
            ", differs from it by ",
        )
    else:
        start = ("From the baseline, ", document.name(document.get("derived.comparison.baseline")), ", it differs by ")
    interval = (" on the same episodes (", *interval_parts(document, f"{row}.difference"), "). ")
    return (*start, *mean, *interval, _conclusion(document, verdict))


def _conclusion(document: Document, verdict: dict[str, int]) -> str:
    if verdict["excludes_zero"]:
        return "The interval excludes zero: chance alone would seldom make such a difference."
    difference = document.get(f"derived.comparison.rows.{verdict['compared']}.difference")
    if difference["low"] is None:
        return "A single episode says nothing about chance: no difference is shown."
    return "The interval contains zero: no difference is shown. More episodes would narrow it."


def _split(document: Document, verdict: dict[str, int]) -> Parts:
    alpha = f"policies.{verdict['best']}.alpha_ccy"
    return (
        "Of its mean net result of ",
        document.number(f"{alpha}.net", "ccy+"),
        " per episode the strategy's decisions made ",
        document.number(f"{alpha}.strategy", "ccy+"),
        " and carrying them out ",
        document.number(f"{alpha}.execution", "ccy+"),
        ".",
    )
