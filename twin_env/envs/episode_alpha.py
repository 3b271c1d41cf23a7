"""What the decisions and orders of an environment's episodes came to, from the streams of its rows."""

from twin_env.alpha.record import ALPHA_PLANES, AlphaRecord, AlphaRecorder
from twin_env.envs.batch import Batch


class EpisodeAlpha:
    """Records the alpha of one row's episodes, one after the other.

    Args:
        batch: Whose row; that of a single environment is ``env.unwrapped.batch``.
        row: Which.

    Example:
        >>> alpha = EpisodeAlpha(env.unwrapped.batch)
        >>> env.reset(seed=7)
        >>> alpha.begin()
        >>> ...  # steps
        >>> alpha.end().trips
    """

    def __init__(self, batch: Batch, row: int = 0) -> None:
        self._batch, self._row = batch, row
        self._stream = batch.watch(row, ALPHA_PLANES)
        self._reader = batch.reader(row)
        self._recorder: AlphaRecorder | None = None
        self._cursor = 0

    def begin(self) -> None:
        """Begin with the episode that was just started; what was recorded before is forgotten."""
        reader, market = self._reader, self._batch.market
        closes_ns = int(self._batch.tasks["end_ns"][self._row])
        self._recorder = AlphaRecorder(
            market.instrument, reader.exchange.copy_book(), reader.now_ns, closes_ns, reader.open_intents()
        )
        self._cursor = self._stream.end
        self._stream.forget(self._cursor)

    def end(self) -> AlphaRecord:
        """Return what the episode came to so far.

        Raises:
            RuntimeError: None was begun.
        """
        if self._recorder is None:
            raise RuntimeError("end() was called before begin(), expected begin() after each reset")
        batch = self._stream.read(self._cursor)
        self._cursor = batch.next
        self._recorder.follow(batch)
        return self._recorder.record(self._reader.now_ns)
