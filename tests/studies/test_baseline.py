"""What a market is usually like: measured once for equal markets, kept for a few, never with the market."""

import gc
import weakref

import pytest

from twin_env.config import load_config
from twin_env.market.links import LinksConfig
from twin_env.twin import baseline
from twin_env.twin.baseline import KEPT_STAGES, stage_of
from twin_env.twin.opening import open_market


@pytest.fixture
def measured(monkeypatch):
    """Digests of the markets that were measured, in a cache of the test's own."""
    done = []

    def measure(market):
        done.append(market.digest)
        return object()

    monkeypatch.setattr(baseline, "_measure_stage", measure)
    monkeypatch.setattr(baseline, "_STAGES", {})
    return done


def market(number=0):
    links = load_config(LinksConfig, "retail", folder="links", heartbeat_interval_ms=1000 + number)
    return open_market("mgc_poisson", links)


def test_equal_markets_are_measured_once_and_neither_is_kept(measured):
    first, second = market(), market()
    assert stage_of(first) is stage_of(second)
    assert measured == [first.digest]
    gone = [weakref.ref(first), weakref.ref(second)]
    del first, second
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


def test_the_market_asked_for_longest_ago_is_forgotten(measured):
    kept = stage_of(market(0))
    for number in range(1, KEPT_STAGES):
        stage_of(market(number))
    assert stage_of(market(0)) is kept  # asked for again: no longer the oldest
    stage_of(market(KEPT_STAGES))
    assert stage_of(market(0)) is kept
    assert len(baseline._STAGES) == KEPT_STAGES
    assert len(measured) == KEPT_STAGES + 1
    stage_of(market(1))
    assert len(measured) == KEPT_STAGES + 2
