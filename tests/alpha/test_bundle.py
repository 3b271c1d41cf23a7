"""Files of bundles: the same evaluation gives the same bytes, and nothing unsafe is read."""

import hashlib
import json
import struct
import zipfile

import pytest

from twin_env.alpha import bundle
from twin_env.alpha.bundle import (
    EpisodeFigures,
    Episodes,
    Manifest,
    PolicyFigures,
    read_bundle,
    write_bundle,
)
from twin_env.alpha.parts import SPLIT_NAMES
from twin_env.config import ConfigError

SPLIT = tuple(range(len(SPLIT_NAMES)))
MODEL = {"model.zip": b"PK model", "config.yml": b"algo: ppo\n"}


def manifest(**changes):
    policy = PolicyFigures(policy="twap", rule="twap", model_sha256=None, total_micro=SPLIT, headline="net 1")
    trained = PolicyFigures(policy="ppo_1", rule=None, model_sha256="0" * 64, total_micro=SPLIT, headline="net 2")
    values = {
        "format": 1,
        "version": "0.1.0",
        "provenance": {"python": "3.12"},
        "env": "TwinExecution-v0",
        "env_config": {},
        "history": "00",
        "first_seed": 3,
        "episodes": 2,
        "policy_seed": 0,
        "baseline": "twap",
        "currency": "USD",
        "policies": (policy, trained),
    }
    return Manifest(**values | changes)


def figures(seed):
    return EpisodeFigures(seed=seed, steps=60, event_hash=f"{seed:016x}", parts_micro=SPLIT)


EPISODES = Episodes(policies={label: (figures(3), figures(4)) for label in ("twap", "ppo_1")})


@pytest.fixture
def file(tmp_path):
    write_bundle(tmp_path / "a.bundle", manifest(), EPISODES, {1: MODEL})
    return tmp_path / "a.bundle"


def members(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(file, changes, digests=True):
    """Write the bundle anew with other members; ``None`` leaves one out."""
    found = {name: data for name, data in (members(file) | changes).items() if data is not None}
    if digests and "bundle.json" in found:
        facts = json.loads(found["bundle.json"])
        facts["digests"] = {n: hashlib.sha256(d).hexdigest() for n, d in found.items() if n != "bundle.json"}
        found["bundle.json"] = json.dumps(facts).encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in found.items():
            archive.writestr(name, data)
    return file


def refusal(file):
    with pytest.raises(ConfigError) as refused:
        read_bundle(file)
    assert len(refused.value.problems) == 1 and "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{file}: ")
    return str(refused.value)


def test_a_bundle_reads_back(file):
    found = read_bundle(file)
    assert found.manifest.model_copy(update={"digests": {}}) == manifest()
    assert found.episodes == EPISODES.policies
    assert found.models == {1: MODEL}


def test_the_same_evaluation_gives_the_same_bytes(file, tmp_path):
    write_bundle(tmp_path / "b.bundle", manifest(), EPISODES, {1: dict(reversed(MODEL.items()))})
    assert (tmp_path / "b.bundle").read_bytes() == file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/passwd",
        "models/1/../../evil",
        "models/../1/model.zip",
        "models/1/evil.py",
        "models/1/model.zip/../../../evil",
        "evil/models/1/model.zip",
        "models/1\\model.zip",
        "models/ppo/model.zip",
        "models/1/",
        "readme.txt",
    ],
)
def test_names_that_a_bundle_does_not_have_are_refused(file, name):
    assert "has a member called" in refusal(rewrite(file, {name: b""}))


def test_a_member_that_unpacks_to_more_than_its_bound_is_refused(file, monkeypatch):
    monkeypatch.setattr(bundle, "LARGEST_JSON", 2**20)
    rewrite(file, {"episodes.json": b" " * (2**20 + 1)})
    assert file.stat().st_size < 10_000
    unpacked, unpack = [], zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, entry: unpacked.append(entry) or unpack(self, entry))
    assert "episodes.json has more than 1 MB, expected less" in refusal(file)
    assert "episodes.json" not in [entry.filename for entry in unpacked]


def test_a_member_that_lies_about_its_size_is_refused(file, monkeypatch):
    """The directory says 100 bytes, the data unpack to far more: reading ends at what was said, and the check fails."""
    rewrite(file, {"episodes.json": b" " * 2**22})
    data = bytearray(file.read_bytes())
    at = data.index(b"PK\x01\x02", data.index(b"episodes.json"))
    while data[at + 46 : at + 46 + 13] != b"episodes.json":
        at = data.index(b"PK\x01\x02", at + 1)
    data[at + 24 : at + 28] = struct.pack("<I", 100)
    file.write_bytes(data)
    assert "is no whole zip archive" in refusal(file)


def test_the_bound_holds_while_unpacking(file, monkeypatch):
    """Even of an archive whose reader would give more than the directory says."""
    read = zipfile.ZipExtFile.read
    monkeypatch.setattr(bundle, "LARGEST_JSON", 2**20)
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda self, size: read(self, size) and b" " * (2**20 + 1))
    assert "has more than 1 MB" in refusal(file)


def test_too_many_members_are_refused(file):
    many = {f"models/{place}/model.zip": b"" for place in range(bundle.MOST_MEMBERS)}
    assert f"expected at most {bundle.MOST_MEMBERS}" in refusal(rewrite(file, many))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice_is_refused(file):
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("episodes.json", b"{}")
    assert "has a member twice" in refusal(file)


@pytest.mark.parametrize("name", ["bundle.json", "episodes.json"])
def test_a_member_that_is_missing_is_refused(file, name):
    assert f"holds no {name}" in refusal(rewrite(file, {name: None}))


def test_a_member_that_was_changed_is_refused(file):
    assert "models/1/model.zip is not what" in refusal(rewrite(file, {"models/1/model.zip": b"PK other"}, False))
    write_bundle(file, manifest(), EPISODES, {1: MODEL})
    assert "holds other files than" in refusal(rewrite(file, {"models/1/vecnormalize.pkl": b""}, False))


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[" * 100_000, b'{"policies": 5}', b'{"policies": {"twap": []}}'])
def test_what_is_no_bundles_json_is_refused(file, text):
    assert "episodes.json" in refusal(rewrite(file, {"episodes.json": text}))


def test_episodes_that_are_not_those_of_the_manifest_are_refused(tmp_path):
    file = tmp_path / "a.bundle"
    write_bundle(file, manifest(first_seed=4), EPISODES, {})
    assert "has other seeds of twap" in refusal(file)


def test_an_encrypted_member_is_refused(file):
    data = bytearray(file.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    file.write_bytes(data)
    assert "is no whole zip archive" in refusal(file)


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "a.bundle").write_bytes(data)
    assert "expected a bundle" in refusal(tmp_path / "a.bundle")
    assert "expected a bundle" in refusal(tmp_path / "nowhere.bundle")


def test_half_a_bundle_is_refused(file):
    data = file.read_bytes()
    for cut in range(0, len(data), 97):
        file.write_bytes(data[:cut])
        assert "expected a bundle" in refusal(file)
