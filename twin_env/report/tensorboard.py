"""Scalars for TensorBoard, without torch."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_scalars(folder: Path, scalars: Mapping[str, float], steps: Sequence[int]) -> None:
    """Write the same values at several steps, so that they draw as horizontal lines.

    Args:
        folder: Folder of one run, created if there is none; TensorBoard shows its path as the run's name.
        scalars: Value of each tag.
        steps: Where on the axis of steps.
    """
    # They import half of TensorBoard.
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()])
    for step in steps:
        writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))
    writer.close()
