"""Calibration: a synthetic market fitted to a recording of a real one.

There is one module per mechanism (``sizes``, ``placement``, ``excitement``, ``volatility``, ``takers``, ``session``,
``poisson``); ``anchored`` puts them together, and ``refine`` turns what is left by the simulated method of moments.
docs/calibration.md says what a source can tell.
"""

from twin_env.studies.calibration.distance import MetricDistance
from twin_env.studies.calibration.document import to_yaml
from twin_env.studies.calibration.estimate import CalibrationError, Estimate, Estimates
from twin_env.studies.calibration.fit import Fit, calibrate

__all__ = ["CalibrationError", "Estimate", "Estimates", "Fit", "MetricDistance", "calibrate", "to_yaml"]
