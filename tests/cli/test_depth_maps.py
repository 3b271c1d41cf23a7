"""``twin evaluate --depth-maps``: the worst episode of each policy as a picture in TensorBoard."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from twin_env.cli import evaluation_depth
from twin_env.cli.main import main

pytestmark = pytest.mark.jit


def test_the_worst_episode_of_each_policy_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("polars")
    line = ["--policies", "twap", "immediate", "--episodes", "4", "--set", "task.horizon_s=20", "--depth-maps"]
    assert main(["evaluate", *line, "--out", str(tmp_path)]) == 0
    data = json.loads((tmp_path / "evaluation_1" / "results.json").read_text())
    for policy in data["policies"]:
        figures = policy["per_episode"]
        worst = np.argmax(np.array(figures["is_bps"]) - np.array(figures["drift_bps"]))
        folder = tmp_path / "evaluation_1" / policy["policy"]
        events = EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()
        tags = [tag for tag in events.Tags()["images"] if "depth_map" in tag]
        assert tags == [f"figures/depth_map/seed_{data['seeds'][worst]}"]
        (picture,) = events.Images(tags[0])
        pixels = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)))
        assert pixels.shape == (675, 1200, 3)
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50  # no blank page


@pytest.mark.parametrize("package", ["tensorboard", "matplotlib", "polars"])
def test_what_cannot_be_drawn_is_refused_before_anything_is_played(package, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluation_depth, "find_spec", lambda name: None if name == package else object())
    assert main(["evaluate", "--policies", "twap", "--depth-maps", "--out", str(tmp_path)]) == 2
    assert f"--depth-maps: {package} is not installed, expected it" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
