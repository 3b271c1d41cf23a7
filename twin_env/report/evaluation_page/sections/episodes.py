"""The worst episodes, with what to type to play one again, and those that lie far out."""

import shlex
from dataclasses import replace
from urllib.parse import quote

from twin_env.report.evaluation_page.blocks import Block, Heading, Listing, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Part, Parts
from twin_env.report.evaluation_page.sections.verdict import objective_form


def make_episodes(document: Document) -> Section:
    """Return worst episodes with their commands, and outliers by median and absolute deviation."""
    blocks: list[Block] = [_worst(document)]
    commands = [
        shlex.join(episode["command"])
        for row in document.get("derived.worst")
        for episode in row["episodes"][:1]
        if episode["command"]
    ]
    if commands:
        blocks.append(Listing("Play the worst episode of each policy again", "\n".join(commands)))
    blocks += [Heading(("Outliers",)), *_outliers(document)]
    return Section("episodes", "Worst episodes and outliers", blocks)


def _worst(document: Document) -> Table:
    form, rows = objective_form(document), []
    sampled = {(episode["policy"], episode["seed"]) for episode in document.get("explorer.episodes") or ()}
    for place, row in enumerate(document.get("derived.worst")):
        for number in range(len(row["episodes"])):
            root = f"derived.worst.{place}.episodes.{number}"
            cells: list[Parts] = [
                (document.number(f"derived.worst.{place}.policy", "text"),),
                (_seed(document, f"{root}.seed", row["policy"], sampled),),
                (document.number(f"{root}.value", form),),
                (document.number(f"{root}.net_ccy", "ccy+"),),
                (document.number(f"{root}.execution_ccy", "ccy+"),),
            ]
            rows.append(cells)
    title = document.get("derived.objective.title")
    unit = document.data["currency"] if form == "ccy" else "bps"
    columns: list[Parts] = [("policy",), ("seed",), (f"{title}, {unit}",), ("net",), ("execution",)]
    return Table(("Worst episodes",), columns, rows, is_sorted=True)


def _seed(document: Document, path: str, policy: str, sampled: set[tuple[str, int]]) -> Part:
    """Return a seed, which leads to the explorer where the episode was sampled."""
    seed = document.number(path, "identifier")
    if isinstance(seed, str) or (policy, document.get(path)) not in sampled:
        return seed
    return replace(seed, href=f"#policy={quote(policy, safe='')}&seed={seed.text}&t=0")


def _outliers(document: Document) -> list[Block]:
    form, rows = objective_form(document), []
    for place, spread in enumerate(document.get("derived.distributions")):
        for number in range(len(spread["outliers"])):
            root = f"derived.distributions.{place}"
            cells: list[Parts] = [
                (document.number(f"{root}.policy", "text"),),
                (document.number(f"{root}.outliers.{number}.seed", "identifier"),),
                (document.number(f"{root}.outliers.{number}.value", form),),
                (document.number(f"{root}.median", form),),
                (document.number(f"{root}.mad", form),),
                (document.number(f"{root}.outliers.{number}.score", "one"),),
            ]
            rows.append(cells)
    about = (
        "An outlier lies far from the median in units of the median absolute deviation (modified z-score of Iglewicz "
        "and Hoaglin); mean and standard deviation would be moved by the outliers themselves."
    )
    if not rows:
        return [Paragraph(("No episode is an outlier. " + about,), "note")]
    columns: list[Parts] = [("policy",), ("seed",), ("value",), ("median",), ("deviation",), ("score",)]
    return [Table(("Farthest episodes",), columns, rows, is_sorted=True), Paragraph((about,), "note")]
