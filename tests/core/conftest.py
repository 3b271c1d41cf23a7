"""Settings of the tests of the compiled world."""

import os

import pytest


def pytest_collection_modifyitems(items):
    """Uncompiled, unsigned arithmetic wraps as it does compiled, but NumPy warns about it."""
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        for item in items:
            item.add_marker(pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"))
