"""Bundles: an evaluation in one file, with everything it takes to compute its figures again and compare them.

A bundle is a zip archive. ``bundle.json`` says what was played, by what versions, and what came of it;
``episodes.json`` has the figures of every episode in integers; ``models/N/`` has the policy at place N, from 0, if it
was trained and packed. The same evaluation gives the same bytes: members are sorted and have no times.

A bundle comes from somebody else, so reading trusts nothing: names are those of a list, sizes are bounded before and
while members are unpacked, and every member has the hash that ``bundle.json`` states.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, ValidationError

from twin_env.alpha.parts import SPLIT_NAMES
from twin_env.config import Config, ConfigError
from twin_env.files import whole_file

FORMAT: Final = 1
MANIFEST: Final = "bundle.json"
EPISODES: Final = "episodes.json"
MODEL_FILES: Final = ("model.zip", "vecnormalize.pkl", "config.yml")
LARGEST_JSON: Final = 64 * 2**20
LARGEST_MODEL: Final = 512 * 2**20
MOST_MEMBERS: Final = 256
_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive knows
_MODE: Final = 0o100644 << 16
_BLOCK: Final = 2**20
_MODEL_NAME: Final = re.compile(rf"models/[0-9]{{1,3}}/({'|'.join(map(re.escape, MODEL_FILES))})")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
EventHash = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Label = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,300}$")]
Split = Annotated[tuple[int, ...], Field(min_length=len(SPLIT_NAMES), max_length=len(SPLIT_NAMES))]

Part = TypeVar("Part", bound=Config)


class BundleError(ConfigError):
    """A file that is no bundle, or not one that may be unpacked. One sentence."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__([f"{path}: {found}."])


class EpisodeFigures(Config):
    """What is compared of one episode, exactly.

    Attributes:
        seed: Number of the episode.
        steps: Decisions taken.
        event_hash: Of everything the exchange did.
        parts_micro: The split, in 1e-6 of the account currency, in the order of ``SPLIT_NAMES``.
    """

    seed: Annotated[int, Field(ge=0)]
    steps: Annotated[int, Field(ge=0)]
    event_hash: EventHash
    parts_micro: Split


class PolicyFigures(Config):
    """What came of one policy.

    Attributes:
        policy: Its name in tables.
        rule: Name of the rule; ``None`` for a trained policy.
        model_sha256: Hash of what a trained policy is loaded from; ``None`` for a rule.
        total_micro: The split summed over all episodes.
        headline: What judges it, in words: its mean over all episodes.
    """

    policy: Label
    rule: str | None
    model_sha256: Sha256 | None
    total_micro: Split
    headline: str


class Manifest(Config):
    """What a bundle says of itself.

    Attributes:
        format: Of the file.
        version: Of the package that played.
        provenance: Versions of other packages, and the revision of the source.
        env: Name of the environment.
        env_config: How it was made.
        history: Hash of the market's history.
        first_seed: Of the first episode; the next have the next ones.
        episodes: Per policy.
        policy_seed: Of the policies' own random numbers.
        baseline: What the others were compared with.
        currency: Of the amounts.
        policies: What came of each.
        digests: SHA-256 of every other member.
    """

    format: Literal[1]
    version: str
    provenance: dict[str, Any]
    env: str
    env_config: dict[str, Any]
    history: str
    first_seed: Annotated[int, Field(ge=0)]
    episodes: Annotated[int, Field(ge=1)]
    policy_seed: Annotated[int, Field(ge=0)]
    baseline: str
    currency: str
    policies: Annotated[tuple[PolicyFigures, ...], Field(min_length=1)]
    digests: dict[str, Sha256] = {}


class Episodes(Config):
    """Figures of every episode, by policy."""

    policies: dict[Label, tuple[EpisodeFigures, ...]]


class Bundle:
    """A bundle, read and checked.

    Attributes:
        path: Where it was read.
        manifest: What it says of itself.
        episodes: Figures by policy, in the order of the seeds.
        models: Files of trained policies, by place of the policy and name.
    """

    def __init__(self, path: Path, manifest: Manifest, episodes: Episodes, models: Mapping[str, bytes]) -> None:
        self.path, self.manifest, self.episodes = path, manifest, episodes.policies
        self.models: dict[int, dict[str, bytes]] = {}
        for name, data in models.items():
            place, file = name.split("/")[1:]
            self.models.setdefault(int(place), {})[file] = data


def write_bundle(path: Path, manifest: Manifest, episodes: Episodes, models: Mapping[int, Mapping[str, bytes]]) -> None:
    """Write a bundle.

    Args:
        path: Where to.
        manifest: What it says of itself; digests are filled in.
        episodes: Figures of every episode.
        models: Files of trained policies, by place of the policy and name.

    Raises:
        WriteError: The file cannot be written.
    """
    members = {EPISODES: _encode(episodes)}
    members |= {f"models/{place}/{name}": data for place, files in models.items() for name, data in files.items()}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(members.items())}
    members[MANIFEST] = _encode(manifest.model_copy(update={"digests": digests}))
    with whole_file(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        for name, data in sorted(members.items()):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _MODE, 3
            archive.writestr(entry, data, compresslevel=9)


def read_bundle(path: Path) -> Bundle:
    """Read a bundle, and check that it is whole and safe; nothing in it is run, and nothing is written.

    Raises:
        BundleError: It cannot be read, is none, is damaged, or holds what no bundle holds.
    """
    members = _unpack(path)
    manifest = _parse(path, Manifest, members, MANIFEST)
    del members[MANIFEST]
    if manifest.digests.keys() != members.keys():
        raise BundleError(path, "holds other files than bundle.json names, expected the same")
    for name, data in members.items():
        if hashlib.sha256(data).hexdigest() != manifest.digests[name]:
            raise BundleError(path, f"{name} is not what bundle.json has the hash of, expected a file nobody changed")
    episodes = _parse(path, Episodes, members, EPISODES)
    del members[EPISODES]
    _check_counts(path, manifest, episodes)
    return Bundle(path, manifest, episodes, members)


def _encode(part: Config) -> bytes:
    return json.dumps(part.model_dump(mode="json"), indent=None, separators=(",", ":")).encode()


def _unpack(path: Path) -> dict[str, bytes]:
    """Return the bytes of every member by name."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_names(path, entries)
            return {entry.filename: _read(path, archive, entry) for entry in entries}
    except OSError as error:
        raise BundleError(path, f"cannot be read ({error.strerror or error}), expected a bundle") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BundleError(path, f"is no whole zip archive ({error}), expected a bundle") from None


def _check_names(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse more members than a bundle has, one twice, and names that a bundle does not have."""
    names = [entry.filename for entry in entries]
    if len(names) > MOST_MEMBERS:
        raise BundleError(path, f"has {len(names)} members, expected at most {MOST_MEMBERS}")
    for name in names:
        if name not in (MANIFEST, EPISODES) and not _MODEL_NAME.fullmatch(name):
            raise BundleError(path, f"has a member called {name[:100]!r}, expected those of a bundle")
    if len(set(names)) != len(names):
        raise BundleError(path, "has a member twice, expected each once")
    if missing := {MANIFEST, EPISODES} - set(names):
        raise BundleError(path, f"holds no {' and no '.join(sorted(missing))}, expected a bundle")


def _read(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return a member, and stop at its bound whatever the archive says about its size."""
    most = LARGEST_JSON if entry.filename.endswith(".json") else LARGEST_MODEL
    too_large = BundleError(path, f"{entry.filename} has more than {most // 2**20} MB, expected less")
    if entry.file_size > most:
        raise too_large
    data = bytearray()
    with archive.open(entry) as member:
        while block := member.read(_BLOCK):
            data += block
            if len(data) > most:
                raise too_large
    return bytes(data)


def _parse(path: Path, kind: type[Part], members: Mapping[str, bytes], name: str) -> Part:
    """Return a member as what it should be."""
    try:
        return kind.model_validate(json.loads(members[name]))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BundleError(path, f"{name}: {place}: {first['msg']}, expected what twin bundle pack writes") from None
    except (ValueError, RecursionError):
        raise BundleError(path, f"{name} is no JSON, expected what twin bundle pack writes") from None


def _check_counts(path: Path, manifest: Manifest, episodes: Episodes) -> None:
    """Check that every policy has every episode."""
    wanted = list(range(manifest.first_seed, manifest.first_seed + manifest.episodes))
    labels = [policy.policy for policy in manifest.policies]
    if list(episodes.policies) != labels:
        raise BundleError(path, f"{EPISODES} has other policies than {MANIFEST}, expected the same")
    for label, played in episodes.policies.items():
        if [figures.seed for figures in played] != wanted:
            raise BundleError(path, f"{EPISODES} has other seeds of {label} than {MANIFEST}, expected the same")
