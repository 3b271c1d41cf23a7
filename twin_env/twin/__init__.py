"""One running market: what everything that is not a Gymnasium step drives and reads."""

from twin_env.twin.desk import Desk
from twin_env.twin.orders import DeskOrder, OrderError
from twin_env.twin.state import StateError
from twin_env.twin.stream import Batch, Stream, StreamError
from twin_env.twin.twin import Twin

__all__ = ["Batch", "Desk", "DeskOrder", "OrderError", "StateError", "Stream", "StreamError", "Twin"]
