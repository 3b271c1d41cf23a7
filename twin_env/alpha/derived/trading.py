"""What a trader's episodes and round trips add up to: equity, drawdown, hours of the day."""

from collections import defaultdict
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from twin_env.alpha.derived.distribution import bin_edges, histogram
from twin_env.alpha.derived.objective import Row
from twin_env.alpha.trading import drawdowns
from twin_env.statistics.interval import Floats

_NS_PER_S: Final = 1_000_000_000


def describe_trading(document: Row) -> list[dict[str, Any]]:
    """Return a row per policy; none where no policy recorded its round trips."""
    policies = document["policies"]
    if not any(policy.get("trips") for policy in policies):
        return []
    zone = zone_of(document)
    every = [_nets(policy) for policy in policies]
    edges = bin_edges(np.concatenate([*every, np.zeros(1)]))
    return [
        {"policy": policy["policy"]}
        | describe_equity(np.array(policy["per_episode"]["net_ccy"], np.float64))
        | {"trips": histogram(nets, edges) | {"curve_ccy": nets.cumsum().tolist()}, "hours": by_hour(policy, zone)}
        for policy, nets in zip(policies, every, strict=True)
    ]


def zone_of(document: Row) -> tzinfo:
    """Return the time zone in which the instrument's day is written; UTC where the document names none."""
    config: Any = document.get("env_config") or {}
    for key in ("market", "instrument", "day"):
        config = config.get(key) or {}
    return ZoneInfo(config["zone"]) if "zone" in config else UTC


def describe_equity(net: Floats) -> dict[str, Any]:
    """Return equity and drawdown after each episode, in the order of the seeds, and the deepest drawdown."""
    equity, below = net.cumsum(), drawdowns(net)
    return {
        "equity_ccy": equity.tolist(),
        "drawdown_ccy": below.tolist(),
        "max_drawdown_ccy": float(below.max(initial=0.0)),
        "final_ccy": float(equity[-1]),
    }


def by_hour(policy: Row, zone: tzinfo) -> list[dict[str, Any]]:
    """Return count, net and share of winners of round trips by the hour of the day in which they began."""
    hours: dict[int, list[float]] = defaultdict(list)
    for trip in (policy.get("trips") or {}).get("list", ()):
        hours[datetime.fromtimestamp(trip["begin_ns"] // _NS_PER_S, zone).hour].append(trip["net_ccy"])
    return [
        {
            "hour": hour,
            "trips": len(nets),
            "net_ccy": float(np.sum(nets)),
            "win_rate": float(np.mean(np.array(nets) > 0.0)),
        }
        for hour, nets in sorted(hours.items())
    ]


def _nets(policy: Row) -> Floats:
    trips = (policy.get("trips") or {}).get("list", ())
    return np.array([trip["net_ccy"] for trip in trips], np.float64)
