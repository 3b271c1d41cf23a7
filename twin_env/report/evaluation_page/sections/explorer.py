"""Single episodes, moment by moment."""

from twin_env.report.evaluation_page.blocks import Block, Explorer, Paragraph, Section
from twin_env.report.evaluation_page.document import Document


def make_explorer(document: Document) -> Section | None:
    """Return the explorer; ``None`` where no episode was sampled."""
    episodes = document.get("explorer.episodes")
    if not episodes:
        return None
    about = (
        "The worst episode of each policy, and those that were asked for, played again. Shading is resting lots at the "
        "exchange, solid lines its best bid and ask, dashed lines those the desk saw: how far they lag is the latency. "
        "Bars are own orders while they stood, triangles own fills, upwards for buys, hollow where the order "
        "took; hatched bands are faults. Arrow keys move the moment, and the address of this page names it."
    )
    blocks: list[Block] = [Paragraph((about,)), Explorer()]
    other = [episode["seed"] for episode in episodes if not episode["is_same"]]
    if other:
        went = "An episode that was played again did not go as before: its policy does not act the same way twice."
        blocks.append(Paragraph((went,), "note"))
    return Section("explorer", "Episodes, moment by moment", blocks)
