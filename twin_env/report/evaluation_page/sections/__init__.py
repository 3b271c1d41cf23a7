"""The sections of the page, in their order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twin_env.report.evaluation_page.blocks import Section
from twin_env.report.evaluation_page.document import Document
from twin_env.report.evaluation_page.sections.capacity import make_capacity
from twin_env.report.evaluation_page.sections.comparison import make_comparison
from twin_env.report.evaluation_page.sections.counterfactual import make_counterfactual
from twin_env.report.evaluation_page.sections.episodes import make_episodes
from twin_env.report.evaluation_page.sections.explorer import make_explorer
from twin_env.report.evaluation_page.sections.families import make_families
from twin_env.report.evaluation_page.sections.journey import make_journey
from twin_env.report.evaluation_page.sections.ladder import make_ladder
from twin_env.report.evaluation_page.sections.markouts import make_markouts
from twin_env.report.evaluation_page.sections.orders import make_parent_orders
from twin_env.report.evaluation_page.sections.origin import make_origin
from twin_env.report.evaluation_page.sections.split import make_split
from twin_env.report.evaluation_page.sections.trading import make_trading
from twin_env.report.evaluation_page.sections.trips import make_trips
from twin_env.report.evaluation_page.sections.verdict import make_verdict


@dataclass(frozen=True)
class Maker:
    """How a section is made.

    Attributes:
        make: From a document; ``None`` where the document does not have what it shows.
        lacking: What was not recorded then, in words; empty where nothing is missed.
        of_traders: Whether only evaluations of traders miss it.
    """

    make: Callable[[Document], Section | None]
    lacking: str = ""
    of_traders: bool = False


SECTIONS: Final = (
    Maker(make_verdict),
    Maker(make_split),
    Maker(make_comparison),
    Maker(make_parent_orders),
    Maker(make_trading, "round trips and days", of_traders=True),
    Maker(make_trips),
    Maker(make_markouts, "markouts"),
    Maker(make_journey, "the journey of orders"),
    Maker(make_ladder, "the cost ladder"),
    Maker(make_capacity, "the capacity curve"),
    Maker(make_counterfactual, "the counterfactual"),
    Maker(make_families, "results by family of faults"),
    Maker(make_explorer, "single episodes, moment by moment"),
    Maker(make_episodes),
    Maker(make_origin),
)


def make_sections(document: Document) -> tuple[list[Section], list[str]]:
    """Return the sections that a document has data for, and in words what was not recorded."""
    made = [(maker, maker.make(document)) for maker in SECTIONS]
    are_traders = document.get("derived.objective.unit") == "ccy"
    missed = [maker for maker, section in made if section is None and (are_traders or not maker.of_traders)]
    return [section for _, section in made if section is not None], [maker.lacking for maker in missed if maker.lacking]
