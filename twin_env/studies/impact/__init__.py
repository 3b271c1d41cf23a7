"""The impact laboratory: inject large orders into a market, fit the laws of impact, judge the market by them."""

from twin_env.studies.impact.experiment import (
    Activity,
    MetaorderRuns,
    TripRuns,
    measure_activity,
    run_metaorders,
    run_round_trips,
)
from twin_env.studies.impact.laws import judge_market
from twin_env.studies.impact.optimal import AlmgrenChriss, ObizhaevaWang, to_children
from twin_env.studies.impact.result import ImpactResult
from twin_env.studies.impact.schedule import Metaorder, RoundTrip
from twin_env.studies.impact.study import Study, run_study

__all__ = [
    "Activity",
    "AlmgrenChriss",
    "ImpactResult",
    "Metaorder",
    "MetaorderRuns",
    "ObizhaevaWang",
    "RoundTrip",
    "Study",
    "TripRuns",
    "judge_market",
    "measure_activity",
    "run_metaorders",
    "run_round_trips",
    "run_study",
    "to_children",
]
