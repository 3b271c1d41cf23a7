"""The table of docs/prompts.md: every sentence of the golden set and what really becomes of it.

``python -m tests.chaos.prompts_page`` writes it.
"""

from pathlib import Path
from typing import Any, Final

from twin_env.chaos.author.context import Context
from twin_env.chaos.author.grammar import GrammarAuthor
from twin_env.chaos.author.words import describe_when
from twin_env.config import read_yaml

PAGE: Final = Path(__file__).parents[2] / "docs" / "prompts.md"
BEGIN: Final = "<!-- examples: written by tests/chaos/prompts_page.py -->\n"
END: Final = "<!-- end of examples -->\n"


def golden() -> dict[str, list[dict[str, Any]]]:
    """Return the golden set, by section."""
    return read_yaml(Path(__file__).with_name("golden_prompts.yaml"))


def table() -> str:
    """Return the table of examples."""
    author, context, lines = GrammarAuthor(), Context.of(), []
    for section, cases in golden().items():
        lines += [f"\n### {section.replace('_', ' ').capitalize()}\n", "| sentence | becomes |", "| --- | --- |"]
        for case in cases:
            compiled = author.write(case["prompt"], context)
            if compiled.experiment is None:
                told = "**refused:** " + " ".join(compiled.problems)
            else:
                faults = compiled.experiment.method
                told = "<br>".join(
                    f"`{fault.name}`: {fault.describe()}; {describe_when(fault.when)}" for fault in faults
                )
            sentence = " ".join(case["prompt"].split()) or "(empty)"
            lines.append(f"| {_cell(sentence)} | {_cell(told or 'nothing goes wrong')} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<m", "&lt;m").replace("$", "\\$")


def rewrite(page: str) -> str:
    """Return the page with its table as it should be."""
    head, _, rest = page.partition(BEGIN)
    return head + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(rewrite(PAGE.read_text()))
