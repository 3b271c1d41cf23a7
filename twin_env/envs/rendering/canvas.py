"""Lines of text and bars, as a terminal shows them and as pixels.

Both pictures come from the same lines, so they can never disagree. The pixels are drawn by Pillow with the font that it
brings along, one character to a cell, so columns line up and the machine's own fonts do not matter.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # imported where it draws: the text needs none of it
    from PIL import Image, ImageDraw

COLUMNS: Final = 80
LINES: Final = 32
CELL_WIDTH_PX: Final = 12
CELL_HEIGHT_PX: Final = 20
WIDTH_PX: Final = COLUMNS * CELL_WIDTH_PX
HEIGHT_PX: Final = LINES * CELL_HEIGHT_PX

_FONT_PX: Final = 17
_BASELINE_PX: Final = 15  # below the top of a cell
_BAR_MARGIN_PX: Final = 3


class Colour(NamedTuple):
    """The parameter of a terminal's SGR sequence, empty where a terminal shows none; red, green, blue, 0 to 255."""

    sgr: str
    rgb: tuple[int, int, int]


WHITE: Final = Colour("97", (236, 239, 244))
GREY: Final = Colour("90", (118, 126, 142))
GREEN: Final = Colour("32", (56, 190, 120))
RED: Final = Colour("31", (235, 87, 87))
YELLOW: Final = Colour("93", (255, 214, 64))
ORANGE: Final = Colour("33", (240, 146, 50))
CYAN: Final = Colour("96", (90, 200, 235))
BACKGROUND: Final = Colour("", (15, 18, 25))
PANEL: Final = Colour("", (30, 36, 48))  # a stripe behind a line; terminals show none
HIGHLIGHT: Final = Colour("", (52, 46, 22))


class Text(NamedTuple):
    """Characters from a column on."""

    column: int
    text: str
    colour: Colour


class Bar(NamedTuple):
    """A share ``fraction`` (0 to 1) of ``cells`` columns, filled from the left or from the right."""

    column: int
    cells: int
    fraction: float
    colour: Colour
    from_right: bool


class Line(NamedTuple):
    """One line: spans that do not overlap, in any order, over a stripe of colour as wide as the picture."""

    spans: Sequence[Text | Bar] = ()
    stripe: Colour = BACKGROUND


def to_text(lines: Sequence[Line]) -> str:
    """Return lines with terminal colours; no line ends in a blank or is wider than ``COLUMNS``."""
    return "\n".join(_text_line(line) for line in lines)


def _text_line(line: Line) -> str:
    out, column = "", 0
    for span in sorted(_as_text(span) for span in line.spans):
        if span.text:
            out += f"{' ' * (span.column - column)}\x1b[{span.colour.sgr}m{span.text}\x1b[0m"
            column = span.column + len(span.text)
    return out


def _as_text(span: Text | Bar) -> Text:
    """Return a span without the blanks around it."""
    if isinstance(span, Bar):
        filled = max(round(span.fraction * span.cells), 1) if span.fraction > 0 else 0
        blank = " " * (span.cells - filled if span.from_right else 0)
        span = Text(span.column, blank + "\N{FULL BLOCK}" * filled, span.colour)
    shown = span.text.lstrip()
    return Text(span.column + len(span.text) - len(shown), shown.rstrip(), span.colour)


def to_pixels(lines: Sequence[Line]) -> NDArray[np.uint8]:
    """Paint at most ``LINES`` lines.

    Returns:
        uint8 of shape ``(HEIGHT_PX, WIDTH_PX, 3)``: red, green, blue.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), BACKGROUND.rgb)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        top_px = number * CELL_HEIGHT_PX
        _fill(draw, 0, WIDTH_PX, (top_px, top_px + CELL_HEIGHT_PX), line.stripe)
        for span in line.spans:
            if isinstance(span, Bar):
                _paint_bar(draw, top_px, span)
            else:
                _paint_text(image, top_px, span)
    return np.array(image)


def _fill(draw: "ImageDraw.ImageDraw", left_px: int, right_px: int, rows_px: tuple[int, int], colour: Colour) -> None:
    """Fill a rectangle; its right and lower edges are not part of it."""
    if right_px > left_px:
        draw.rectangle((left_px, rows_px[0], right_px - 1, rows_px[1] - 1), fill=colour.rgb)


def _paint_bar(draw: "ImageDraw.ImageDraw", top_px: int, bar: Bar) -> None:
    filled_px = max(round(bar.fraction * bar.cells * CELL_WIDTH_PX), 1) if bar.fraction > 0 else 0
    left_px = bar.column * CELL_WIDTH_PX
    if bar.from_right:
        left_px += bar.cells * CELL_WIDTH_PX - filled_px
    rows_px = top_px + _BAR_MARGIN_PX, top_px + CELL_HEIGHT_PX - _BAR_MARGIN_PX
    _fill(draw, left_px, left_px + filled_px, rows_px, bar.colour)


def _paint_text(image: "Image.Image", top_px: int, span: Text) -> None:
    for place, character in enumerate(span.text):
        if character != " ":
            image.paste(span.colour.rgb, ((span.column + place) * CELL_WIDTH_PX, top_px), character_mask(character))


@cache
def character_mask(character: str) -> "Image.Image":
    """Return how much of each pixel of a cell a character covers, 0 to 255 (mode ``L``).

    A character that the font does not have is a box.
    """
    from PIL import Image, ImageDraw, ImageFont

    mask = Image.new("L", (CELL_WIDTH_PX, CELL_HEIGHT_PX))
    middle = (CELL_WIDTH_PX // 2, _BASELINE_PX)
    ImageDraw.Draw(mask).text(middle, character, fill=255, font=ImageFont.load_default(_FONT_PX), anchor="ms")
    return mask
