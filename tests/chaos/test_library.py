"""The library: every experiment loads, stays within its bounds and has its sources, and so does severities."""

import itertools
from datetime import date
from pathlib import Path

import pytest

from twin_env.chaos import library
from twin_env.chaos.experiment import MOST_FAULTS, load_experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Baseline, Scene
from twin_env.chaos.quantity import Quantity, Scale
from twin_env.chaos.schema import MODELS, schema_text
from twin_env.config import ConfigError, preset_names
from twin_env.core.state.layout import EFFECTS
from twin_env.report.library import black_swans_markdown
from twin_env.studies.chaos_run.run import run_experiment

SCALE = Scale(tick_size=0.1, tick_value_ccy=1.0, price=4300.0, sigma_ticks=15.0, spread_ticks=2.0)
BASELINE = Baseline(2.0, 60.0, 15.0, messages_per_s=50.0, trades_per_s=1.0, volume_per_s=2.0)
SCENE = Scene(SCALE, BASELINE, synthetic=True, band_ticks=50)
DOCS = Path(__file__).resolve().parents[2] / "docs"
BLACK_SWANS = {
    "es_2010_05_06", "knight_2012_08_01", "gold_2013_04_12", "gold_2013_04_15", "gold_2013_09_12", "gold_2014_01_06",
    "ust_2014_10_15", "gold_2015_07_20", "equities_2015_08_24", "gbp_2016_10_07", "gold_2017_06_26", "jpy_2019_01_03",
    "gold_efp_2020_03", "wti_2020_04_20", "gold_2021_08_09", "cme_outage_2025_11_28", "gold_2026_01_30",
}  # fmt: skip
COMPOUNDS = {
    "crash_and_feed_loss", "crash_and_gateway_loss", "drought_and_fat_finger", "halt_and_stuck_stop",
    "chop_and_throttle", "outage_and_gap", "margin_after_crash", "news_and_latency", "spoof_and_maker_pull",
}  # fmt: skip
# What the documents say, percent of the price, from start to trough or peak; of crude oil a tenth, as its replica says.
RECORDED_PERCENT = {
    "es_2010_05_06": 4.7, "gold_2013_04_12": 63.5 / 15.649, "gold_2013_04_15": 146.1 / 15.014, "gold_2013_09_12": 0.75,
    "gold_2014_01_06": 30.51 / 12.454, "ust_2014_10_15": 0.16 * 9, "gold_2015_07_20": 4.2, "equities_2015_08_24": 7.8,
    "gbp_2016_10_07": 9.0, "gold_2017_06_26": 1.6, "jpy_2019_01_03": 3.0, "wti_2020_04_20": 55.36 / 17.73 * 10,
    "gold_2021_08_09": 87.1 / 17.65, "gold_2026_01_30": 12.7,
}  # fmt: skip


def load(name):
    return load_experiment(f"library:{name}")


def percent_of(quantity: Quantity) -> float:
    return quantity.value * SCALE.ticks_per(quantity.unit) * SCALE.tick_size / SCALE.price * 100


# Files


def test_the_black_swans_and_the_compounds_are_those_that_were_promised():
    families = library.families()
    assert set(families[library.BLACK_SWANS]) == BLACK_SWANS
    assert set(families[library.COMPOUNDS]) == COMPOUNDS
    assert set(preset_names(library.FOLDER)) == BLACK_SWANS | COMPOUNDS


@pytest.mark.parametrize("name", sorted(BLACK_SWANS))
def test_a_black_swan_says_when_it_was_who_says_so_and_what_is_a_choice(name):
    experiment = load(name)
    made = experiment.provenance
    assert made.source == "library"
    day = date.fromisoformat(made.date)
    assert name.endswith((f"{day:_%Y_%m_%d}", f"{day:_%Y_%m}"))
    assert made.references
    for text in (*made.references, *made.assumptions):
        assert text[0].isupper() and text.endswith(".") and "://" not in text
    assert experiment.description.startswith("Measured: ")
    assert " Replica: " in experiment.description
    assert "choice" in experiment.description
    assert "black-swan" in experiment.tags


@pytest.mark.parametrize("name", sorted(COMPOUNDS))
def test_a_compound_has_several_faults_and_does_not_claim_to_have_happened(name):
    experiment = load(name)
    assert len(experiment.method) > 1
    assert not experiment.provenance.date
    assert "choice" in experiment.provenance.assumptions[0]
    assert "compound" in experiment.tags


@pytest.mark.parametrize("name", library.names())
def test_an_experiment_stays_within_its_own_bounds_and_those_of_a_world(name):
    experiment = load(name)
    radius = experiment.blast_radius
    assert 1 <= len(experiment.method) <= MOST_FAULTS
    assert sum(len(fault.effects(SCENE)) for fault in experiment.method) <= EFFECTS
    for fault in experiment.method:
        assert fault.lasts_s <= radius.max_fault_s
        if isinstance(getattr(fault, "move", None), Quantity):
            assert percent_of(fault.move) <= radius.max_move_percent


@pytest.mark.parametrize("name", sorted(BLACK_SWANS | COMPOUNDS))
def test_the_market_is_quiet_before_the_first_fault(name):
    offsets = [fault.when.seconds for fault in load(name).method if fault.when.at == "offset"]
    assert all(seconds >= 30 for seconds in offsets)
    assert offsets or name == "halt_and_stuck_stop"  # which waits for the desk's stop


@pytest.mark.parametrize("name", sorted(BLACK_SWANS))
def test_moves_are_in_percent_so_that_they_transfer_between_instruments(name):
    for fault in load(name).method:
        for key in ("move", "band"):
            assert getattr(fault, key, Quantity(value=1, unit="percent")).unit == "percent"


@pytest.mark.parametrize("name", sorted(RECORDED_PERCENT))
def test_the_moves_add_up_to_what_the_documents_say(name):
    moves = [fault.move.value for fault in load(name).method if isinstance(getattr(fault, "move", None), Quantity)]
    assert sum(moves) == pytest.approx(RECORDED_PERCENT[name], rel=0.03)


@pytest.mark.parametrize("name", sorted(BLACK_SWANS))
def test_a_halt_comes_when_the_fall_is_over_and_the_price_is_held_until_it_ends(name):
    experiment = load(name)
    for halt in experiment.method:
        if halt.kind == "trading_halt" and halt.when.at == "with":
            crash = experiment.fault(halt.when.fault)
            assert crash.fall_s <= halt.when.delay_s <= crash.fall_s + 0.5  # so that the fall can be whole
            assert crash.fall_s + crash.hold_s == halt.when.delay_s + halt.lasts_s
            assert halt.auction_s > 0


@pytest.mark.parametrize("name", sorted(BLACK_SWANS))
def test_protections_are_off_where_the_replica_asks_for_a_move(name):
    experiment = load(name)
    moves = any(isinstance(getattr(fault, "move", None), Quantity) for fault in experiment.method)
    assert experiment.protections == ("off" if moves else "market")


def test_experiments_that_differ_have_different_hashes():
    hashes = [load(name).hash for name in library.names()]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BLACK_SWANS | COMPOUNDS))
def test_an_experiment_runs_and_every_price_goes_as_far_as_it_was_to_go(name):
    journal = run_experiment(load(name), "mgc_2025", seed=1).journal
    assert journal.status == "completed"
    for record in journal.run:
        assert record.begun or name == "halt_and_stuck_stop"  # which waits for the desk's stop
        for reading in record.readings:
            assert reading.name != "move_points" or reading.achieved >= reading.low


# Severities


def test_every_kind_has_every_severity():
    levels = {f"{kind}.{severity}" for kind, severity in itertools.product(KINDS, ("low", "mid", "high", "extreme"))}
    assert set(library.names()) == BLACK_SWANS | COMPOUNDS | levels
    assert len(KINDS) == 36


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_severity_is_one_fault_with_its_fields(kind):
    for severity, fields in KINDS[kind].severity_levels.items():
        experiment = load(f"{kind}.{severity}")
        (fault,) = experiment.method
        calm = {"when": {"at": "offset", "seconds": 10}}
        assert fault == KINDS[kind](kind=kind, **calm, **fields)
        assert experiment.provenance.source == "library"
        assert severity in experiment.tags and KINDS[kind].family in experiment.tags


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_by_itself_is_its_middle_severity(kind):
    assert load(kind) == load(f"{kind}.mid") == load_experiment(kind)


def test_families_hold_every_name_once():
    names = [name for family in library.families().values() for name in family]
    assert sorted(names) == sorted(library.names())
    assert library.families()["halt"][0] == "trading_halt.low"


# Names


def test_the_prefix_may_be_left_out_and_overrides_reach_in():
    assert load_experiment("es_2010_05_06") == load("es_2010_05_06")
    louder = load_experiment("library:flash_crash.high", **{"rollbacks.settle_s": 5, "protections": "on"})
    assert (louder.rollbacks.settle_s, louder.protections) == (5, "on")
    assert louder.method == load("flash_crash.high").method


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("flash_crsh", "flash_crash"),
        ("flash_crash.hihg", "flash_crash.high"),
        ("flash_crash.", "flash_crash"),
        ("es_2010", "es_2010_05_06"),
        ("gold_2014", "gold_2014_01_06"),
        ("Trading_Halt.low", "trading_halt.low"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "library:"])
def test_an_unknown_name_is_refused_with_the_nearest(prefix, name, nearest):
    with pytest.raises(ConfigError) as caught:
        load_experiment(prefix + name)
    (problem,) = caught.value.problems
    assert repr(name) in problem
    assert repr(nearest) in problem


@pytest.mark.parametrize("name", ["", "mid", ".mid", "zzzzzz", "library:es_2010_05_06"])
def test_what_is_like_no_name_is_refused_too(name):
    with pytest.raises(ConfigError, match="there is no experiment"):
        load(name)


def test_the_library_is_no_way_into_other_folders():
    with pytest.raises(ConfigError):
        load("../../instruments/mgc")


# Documents


def test_the_page_of_the_library_has_its_table_and_its_sources():
    assert black_swans_markdown() in (DOCS / "library.md").read_text(encoding="utf-8"), (
        "docs/library.md: is not what 'twin chaos list --markdown' prints, expected the same"
    )


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_schemas_are_those_of_the_models(name):
    assert (DOCS / name).read_text(encoding="utf-8") == schema_text(name), (
        f"docs/{name}: is not of these models, expected what 'twin chaos schema' writes"
    )
