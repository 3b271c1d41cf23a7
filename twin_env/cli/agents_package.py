"""The package ``agents``, which comes with this one and whose name others have, too."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

_EXPECTED: Final = Path(__file__).resolve().parents[2] / "agents"


def require_agents() -> None:
    """Check that ``import agents`` finds the policies that belong to this package.

    Raises:
        ValueError: It finds another package, or none.
    """
    spec = find_spec("agents")
    places = [Path(place).resolve() for place in (spec.submodule_search_locations or ())] if spec else []
    if places[:1] == [_EXPECTED] and "DISTRIBUTION" in (_EXPECTED / "__init__.py").read_text(encoding="utf-8"):
        return
    found = "there is none" if not places else f"found another one in {places[0]}"
    raise ValueError(
        f"the package 'agents' of twin-env is needed: {found}, expected {_EXPECTED}. Another distribution or a folder "
        "with this name is in the way: use twin-env in an environment and a folder of its own."
    )
