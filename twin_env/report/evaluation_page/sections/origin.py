"""How the evaluation was run: command, versions, hashes, configuration."""

import shlex
from typing import Any, Final

from twin_env.config import dump_yaml
from twin_env.report.evaluation_page.blocks import Block, Facts, Listing, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts

_MACHINE: Final = (("Python", "python"), ("platform", "platform"), ("revision", "git_commit"))


def make_origin(document: Document) -> Section:
    """Return everything that is needed to run the evaluation again."""
    provenance: dict[str, Any] = document.get("provenance") or {}
    blocks: list[Block] = []
    if provenance.get("command"):
        blocks.append(Listing("Command", shlex.join(provenance["command"])))
    blocks += [Facts(_facts(document)), _policies(document)]
    if provenance.get("packages"):
        versions = [f"{name} {version}" for name, version in provenance["packages"].items() if version]
        blocks.append(Listing("Versions of packages", "\n".join(versions), is_folded=True))
    if document.get("env_config"):
        blocks.append(
            Listing("Configuration of the environment", dump_yaml(document.get("env_config")), is_folded=True)
        )
    return Section("origin", "How it was run", blocks)


def _facts(document: Document) -> list[tuple[str, Parts]]:
    seeds = len(document.data["seeds"])
    facts: list[tuple[str, Parts]] = [
        ("environment", (document.number("env", "text"),)),
        ("episodes", (document.number("derived.distributions.0.n", "count"), " of each policy")),
        (
            "seeds",
            (document.number("seeds.0", "identifier"), " to ", document.number(f"seeds.{seeds - 1}", "identifier")),
        ),
    ]
    facts += [(name, (document.number(f"provenance.{key}", "text"),)) for name, key in _MACHINE]
    if document.get("provenance.git_modified"):
        facts.append(("source", ("differs from that revision",)))
    if document.get("evaluation_s") is not None:
        facts.append(("duration", (document.number("evaluation_s", "s"),)))
    facts.append(("form of the document", (document.number("schema", "identifier"),)))
    return facts


def _policies(document: Document) -> Table:
    rows: list[list[Parts]] = []
    for place in document.policies:
        root = f"policies.{place}"
        source = document.number(f"{root}.source", "text") if document.get(f"{root}.source") else "rule"
        steps = document.number(f"{root}.timesteps", "count") if document.get(f"{root}.timesteps") else "none"
        digest = document.number(f"{root}.event_logs_sha256", "identifier")
        rows.append([(document.name(place),), (source,), (steps,), (digest,)])
    columns: list[Parts] = [("policy",), ("source",), ("steps of training",), ("hash of its event logs",)]
    return Table(("Policies",), columns, rows, words=frozenset({0, 1, 3}))
