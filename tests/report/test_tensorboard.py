"""What TensorBoard is given, read back from its files."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

from twin_env.alpha.objective import NET_RESULT, SHORTFALL_WITHOUT_DRIFT
from twin_env.alpha.parts import ALPHA_KEYS, FIRST_PART, SPLIT_NAMES
from twin_env.alpha.results import Episode, Result
from twin_env.report import tensorboard
from twin_env.report.board_figures import draw_waterfall, waterfall_bars

OTHERS = {"exec/is_bps": 0.5, "exec/drift_bps": 0.2, "exec/filled_lots": 20.0, "exec/fills": 9.0}


def result(policy="twap", objective=SHORTFALL_WITHOUT_DRIFT):
    parts = [-2.0, -1.5, 0.25, 1.0, 0.0, 0.5, 0.0, -17.0][: len(SPLIT_NAMES) - FIRST_PART]
    strategy, execution = 3.0, sum(parts)
    info = dict(zip(ALPHA_KEYS, [strategy + execution, strategy, execution, *parts], strict=True)) | OTHERS
    micro = tuple(round(1e6 * info[key]) for key in ALPHA_KEYS)
    episodes = [Episode(seed, info, micro, 20, -0.5, 60, b"", 7) for seed in range(2)]
    return Result(policy, episodes, objective=objective)


def read(folder):
    return EventAccumulator(str(folder), size_guidance={"images": 0, "tensors": 0}).Reload()


def layout_of(events):
    (event,) = events.Tensors("custom_scalars__config__")
    return Layout.FromString(event.tensor_proto.string_val[0])


def test_the_bars_of_a_waterfall_join_and_end_at_net():
    bars = waterfall_bars(result())
    assert [name for name, _, _ in bars] == ["strategy", *SPLIT_NAMES[FIRST_PART:], "net"]
    for (_, _, end), (_, begin, _) in pairwise(bars[:-1]):
        assert begin == end
    assert bars[0][1:] == (0.0, 3.0)
    assert bars[-1][1] == 0.0 and bars[-1][2] == pytest.approx(bars[-2][2]) == pytest.approx(-15.75)


def test_results_read_back_as_lines_a_picture_and_a_layout(tmp_path):
    pytest.importorskip("matplotlib")
    tensorboard.write_results(tmp_path, [result(), result("pov")], (0, 300_000), "USD")
    for policy in ("twap", "pov"):
        events = read(tmp_path / policy)
        for tag, value in (
            ("exec/without_drift_bps", 0.3),
            ("eval/exec/without_drift_bps", 0.3),
            ("alpha/net", -15.75),
        ):
            points = [(event.step, event.value) for event in events.Scalars(tag)]
            assert points == [(0, pytest.approx(value)), (300_000, pytest.approx(value))]
        (picture,) = events.Images(tensorboard.WATERFALL)
        assert picture.step == 300_000
        pixels = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)))
        assert np.array_equal(pixels, draw_waterfall(result(policy), "USD"))
        assert (picture.width, picture.height) == (pixels.shape[1], pixels.shape[0])
    assert "custom_scalars__config__" not in read(tmp_path / "pov").Tags()["tensors"]  # once is enough


@pytest.mark.parametrize("objective", [SHORTFALL_WITHOUT_DRIFT, NET_RESULT])
def test_the_layout_opens_on_the_comparison_by_what_judges_a_policy(tmp_path, objective):
    tensorboard.write_results(tmp_path, [result(objective=objective)], (0, 1), "USD")
    events = read(tmp_path / "twap")
    assert events.PluginTagToContent("custom_scalars").keys() == {"custom_scalars__config__"}
    layout = layout_of(events)
    assert [(category.title, category.closed) for category in layout.category] == [
        ("Comparison", False),
        ("Where the money went", True),
        ("Training", True),
    ]
    first = layout.category[0].chart[0]
    assert first.title == f"eval/{objective.tag}"
    assert list(first.multiline.tag) == [f"^eval/{objective.tag}$"]
    shown = {chart.title for category in layout.category[:2] for chart in category.chart}
    assert shown <= set(events.Tags()["scalars"])


def test_without_matplotlib_there_is_everything_but_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "can_draw", lambda: False)
    tensorboard.write_results(tmp_path, [result()], (0, 1), "USD")
    tags = read(tmp_path / "twap").Tags()
    assert tags["images"] == [] and "alpha/net" in tags["scalars"]
