"""What TensorBoard shows, written without torch: scalars, images, and the layout it opens on."""

import io
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from twin_env.alpha.parts import ALPHA_KEYS, FIRST_PART
from twin_env.alpha.results import Result, tensorboard_scalars
from twin_env.report.board_figures import Pixels, can_draw, draw_waterfall

WATERFALL: Final = "figures/waterfall"
"""Tag of the picture of where the money went."""

DEPTH_MAP: Final = "figures/depth_map"
"""Tag of the picture of an episode; its seed follows."""

_LAYOUT_TAG: Final = "custom_scalars__config__"
_LAYOUT_PLUGIN: Final = "custom_scalars"


def write_results(folder: Path, results: Sequence[Result], steps: Sequence[int], currency: str) -> None:
    """Write a run for each policy: its figures as flat lines, its waterfall where matplotlib is, and the layout.

    Args:
        folder: A folder for each policy goes into it. Nobody else may be writing there: TensorBoard reads the files of
            a folder one after the other, and does not come back to one that has grown.
        results: One per policy.
        steps: Where lines begin and end.
        currency: Of the amounts.
    """
    for result in results:
        write_scalars(folder / result.policy, tensorboard_scalars(result), steps)
        if can_draw():
            write_image(folder / result.policy, WATERFALL, draw_waterfall(result, currency), steps[-1])
    write_layout(folder / results[0].policy, results[0].objective.tag)


def write_scalars(folder: Path, scalars: Mapping[str, float], steps: Sequence[int]) -> None:
    """Write the same values at several steps, so that they draw as horizontal lines.

    Args:
        folder: Folder of one run, created if there is none; TensorBoard shows its path as the run's name.
        scalars: Value of each tag.
        steps: Where on the axis of steps.
    """
    from tensorboard.compat.proto.summary_pb2 import Summary  # imports half of TensorBoard

    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()])
    _write(folder, [(step, summary) for step in steps])


def write_image(folder: Path, tag: str, pixels: Pixels, step: int) -> None:
    """Write a picture, uint8 of shape ``(height, width, 3)``, at a step."""
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary

    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG", optimize=True)
    height, width, colours = pixels.shape
    image = Summary.Image(height=height, width=width, colorspace=colours, encoded_image_string=encoded.getvalue())
    _write(folder, [(step, Summary(value=[Summary.Value(tag=tag, image=image)]))])


def write_layout(folder: Path, headline: str) -> None:
    """Write the layout of TensorBoard's custom scalars, which opens on the comparison of policies.

    Args:
        folder: Of one run; TensorBoard shows the layout beside all of them.
        headline: Tag of what judges a policy.
    """
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    text = make_layout(headline).SerializeToString()
    tensor = TensorProto(dtype=DT_STRING, string_val=[text], tensor_shape=TensorShapeProto())
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=_LAYOUT_PLUGIN))
    _write(folder, [(0, Summary(value=[Summary.Value(tag=_LAYOUT_TAG, tensor=tensor, metadata=metadata)]))])


def make_layout(headline: str) -> Any:
    """Return the layout: the comparison first and open, then the parts of execution, then training itself."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, Layout, MultilineChartContent

    def chart(tag: str) -> Any:
        content = MultilineChartContent(tag=[f"^{tag}$"])  # of every run: its rules and evaluations are lines beside it
        return Chart(title=tag, multiline=content)

    parts = [f"eval/{key}" for key in ALPHA_KEYS[FIRST_PART:]]
    comparison = [f"eval/{headline}", headline, "eval/alpha/net", "eval/mean_reward"]
    training = ["rollout/ep_rew_mean", "train/loss", "train/entropy_loss", "time/fps"]
    categories = {"Comparison": comparison, "Where the money went": parts, "Training": training}
    return Layout(
        category=[
            Category(title=title, chart=[chart(tag) for tag in dict.fromkeys(tags)], closed=place > 0)
            for place, (title, tags) in enumerate(categories.items())
        ]
    )


def _write(folder: Path, summaries: Iterable[tuple[int, Any]]) -> None:
    """Append summaries to a new file of events in a run's folder."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    for step, summary in summaries:
        writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))
    writer.close()
