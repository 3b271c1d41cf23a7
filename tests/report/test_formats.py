"""Figures as people write them."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.page_reader import NUMERIC, number_in
from twin_env.report.evaluation_page.formats import FORMATS, NAME_ROOM, Units, decimals_of, short, write

NEW_YORK = ZoneInfo("America/New_York")
OPENS_NS = 1_748_871_000_000_000_000  # 2 June 2025, 13:30 UTC


@pytest.mark.parametrize(
    ("value", "form", "currency", "text"),
    [
        (-1234.5, "ccy", "USD", "\u2212$1,234.50"),
        (1234.5, "ccy+", "USD", "+$1,234.50"),
        (-0.004, "ccy+", "USD", "$0.00"),
        (12.3, "ccy", "CHF", "CHF\u202f12.30"),
        (-1234.5, "ccy", "JPY", "\u2212\u00a51,234"),
        (0.0004, "bps+", "USD", "0.000"),
        (0.625, "share", "USD", "62.5\u202f%"),
        (4298.7, "price", "USD", "4,298.7"),
        (OPENS_NS, "time", "USD", "2025-06-02 09:30:00"),
        (OPENS_NS, "clock", "USD", "09:30:00"),
        (0.1, "horizon", "USD", "0.1\u202fs"),
        (9, "hour", "USD", "09:00"),
        (2, "times", "USD", "\u00d72"),
        (0.25, "times", "USD", "\u00d70.25"),
        (100, "times", "USD", "\u00d7100"),
        (None, "ccy", "USD", "\u2013"),
    ],
)
def test_figures(value, form, currency, text):
    assert write(value, form, Units(currency, 1, NEW_YORK)) == text


def test_times_without_a_zone_are_utc():
    assert write(OPENS_NS, "clock", Units(zone=UTC)) == "13:30:00"


@given(st.floats(-1e9, 1e9), st.sampled_from(sorted(NUMERIC)))
def test_what_is_written_reads_back_as_near_as_its_decimals(value, form):
    text = write(value, form, Units())
    assert number_in(text) == pytest.approx(value, abs=0.51, rel=0)
    assert number_in(text) * value >= 0.0 and "-" not in text


@pytest.mark.parametrize(("step", "decimals"), [(0.1, 1), (0.25, 2), (1.0, 0), (0.00005, 5), (10.0, 0)])
def test_prices_have_the_decimals_of_the_instrument(step, decimals):
    assert decimals_of(step) == decimals


def test_a_long_name_keeps_both_ends():
    name = "ppo_recurrent_adversarial_17"
    assert len(short(name)) == NAME_ROOM and short(name).startswith("ppo_") and short(name).endswith("_17")
    assert short("twap") == "twap" and FORMATS["name"](name, Units()) == short(name)
