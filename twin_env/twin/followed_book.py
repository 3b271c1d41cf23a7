"""The exchange's price levels as a reader of the stream keeps them: a copy that follows the entries of plane BOOK.

A copy has the fields that ``core.exchange.book`` reads of a world (``book``, ``bid``, ``ask``), so touch and mid of
both are the same functions.
"""

from functools import cache
from typing import Any

from twin_env.core.exchange.ladder import row_of
from twin_env.core.state.codes import BUY
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import Dtype, record
from twin_env.core.wire.feed import PRINT_ONLY, SNAPSHOT, set_level


@cache
def followed_dtype(ladder: Dtype) -> Dtype:
    """Return the record of a copy of a book whose levels are a ``layout.ladder_dtype``."""
    return record([("book", ladder), ("bid", "i8"), ("ask", "i8")])


@kernel
def follow_level(followed: Any, change: Any) -> None:
    """Do to a copy of the book what one entry of plane BOOK says.

    Args:
        followed: ``followed_dtype`` record.
        change: ``BOOK_ENTRY`` record, of the copy's next change.
    """
    if change.kind == PRINT_ONLY or change.kind == SNAPSHOT:
        return
    side = i64(change.side)
    set_level(followed.book, side, i64(side * change.price), i64(change.lots))
    if followed.book.count[row_of(side)] > 0:
        return
    if side == BUY:  # what the exchange remembers of a side that is empty
        followed.bid = change.price
    else:
        followed.ask = change.price


@kernel
def best_lots(followed: Any, side: int) -> int:
    """Return the lots at the best price of a side, 0 if it is empty."""
    book, row = followed.book, row_of(side)
    count = book.count[row]
    if count == 0:
        return i64(0)
    return i64(book.levels[book.level[row, count - 1]].lots)
