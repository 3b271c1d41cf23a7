"""A fit as a file: the market's YAML, with what was fitted and how well as its comment."""

import math
import textwrap
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from twin_env.config import dump_yaml
from twin_env.studies.calibration.estimate import Estimate
from twin_env.studies.calibration.fit import Fit

_WIDTH: Final = 118


def to_yaml(fit: Fit) -> str:
    """Return the file; :func:`twin_env.config.load_config` reads the fit's market from it, equal in every value."""
    comment = "\n".join(f"# {line}".rstrip() for line in _comment(fit))
    document = fit.config.model_dump(mode="json", exclude_none=True)
    _leave_out_flat_curves(document["source"])
    text = dump_yaml(document, width=_WIDTH, flow=None)
    return f"{comment}\n{text}"


def _leave_out_flat_curves(source: dict[str, Any]) -> None:
    session = source.get("session", {})
    for name in ("activity", "volatility"):
        if set(session.get(name, ())) == {1.0}:
            del session[name]


def _comment(fit: Fit) -> list[str]:
    facts = fit.source
    start = datetime.fromtimestamp(facts["start_ns"] / 1e9, UTC).isoformat(timespec="seconds")
    lines = [
        f"A market with the {fit.model} flow, fitted to {facts['name']}: {facts['hours']:g} h from {start}, "
        f"{facts['events']} events, {facts['trades']} fills.",
        f"A lot is {facts['lot_size']} of the source's units; rounding to lots multiplies volume by "
        f"{facts['volume_gain']:g}. Fills of hidden orders: {facts['hidden_share']:.1%}.",
        "",
        "Fitted: value +- standard error, and how.",
        *_entries([one for one in fit.estimates if one.fitted]),
        "",
        f"Not told by the source; values of {fit.prior!r}, some of them scaled, stand in."
        if fit.model == "anchored"
        else "Not told by the source.",
        *_entries([one for one in fit.estimates if not one.fitted]),
        "",
        *_stage(fit),
        *_quality(fit),
    ]
    return [part for line in lines for part in (textwrap.wrap(line, _WIDTH, subsequent_indent="    ") or [""])]


def _entries(estimates: list[Estimate]) -> list[str]:
    return [f"  {one.key} = {_shown(one)}: {one.how}" for one in estimates]


def _shown(estimate: Estimate) -> str:
    if isinstance(estimate.value, tuple):
        values = [f"{value:.4g}" for value in estimate.value]
        text = "[" + ", ".join(values[:8]) + (", ..." if len(values) > 8 else "") + "]"
    else:
        text = str(estimate.value)
    return f"{text} +- {estimate.error:.2g}" if math.isfinite(estimate.error) else text


def _stage(fit: Fit) -> list[str]:
    if fit.refined is None:
        return []
    stage = fit.refined
    return [
        f"Second stage: {stage.tried} simulations in {stage.seconds:.0f} s brought the mean loss on fresh seeds from "
        f"{stage.loss_before:.3f} to {stage.loss_after:.3f}.",
        "",
    ]


def _quality(fit: Fit) -> list[str]:
    l1, wasserstein = (np.nanmean([getattr(one, name) for one in fit.quality]) for name in ("l1", "wasserstein"))
    return [
        "Distance of simulations from the source: L1 (0 equal, 1 apart), Wasserstein-1 in standard deviations.",
        *(f"  {one.name}: {one.l1:.3f}, {one.wasserstein:.3f}" for one in fit.quality),
        f"  mean: {l1:.3f}, {wasserstein:.3f}",
    ]
