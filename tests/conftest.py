"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Kernels may compile inside an example, and cores are shared: a deadline would only test the machine.
settings.register_profile("twin", deadline=None)
settings.load_profile("twin")

ROOT = Path(__file__).resolve().parent.parent


def find_data_dir() -> Path | None:
    configured = os.environ.get("TWIN_DATA_DIR")
    candidates = [Path(configured)] if configured else [ROOT.parent / "shared" / "data"]
    return next((path for path in candidates if path.is_dir()), None)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with real market data; the test is skipped where there is none."""
    path = find_data_dir()
    if path is None:
        pytest.skip("no real market data: set TWIN_DATA_DIR to the folder that holds lobster/, cme_es/, ...")
    return path
