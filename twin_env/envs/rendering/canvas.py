"""A page of text and bars, as a terminal shows it and as pixels.

Both pictures come from the same lines, so they can never disagree. The pixels need no
font file and no drawing library: the glyphs are below, five dots wide and seven high.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

COLUMNS: Final = 80
LINES: Final = 32
CELL_WIDTH_PX: Final = 12  # five dots and a blank one, each two pixels wide
CELL_HEIGHT_PX: Final = 20
WIDTH_PX: Final = COLUMNS * CELL_WIDTH_PX
HEIGHT_PX: Final = LINES * CELL_HEIGHT_PX

_DOT_PX: Final = 2
_GLYPH_TOP_PX: Final = 3
_BAR_MARGIN_PX: Final = 3
_UNKNOWN: Final = "\N{WHITE SQUARE}"


class Ink(NamedTuple):
    """One colour: the parameter of a terminal's SGR sequence, and red, green, blue from 0 to 255."""

    code: str
    rgb: tuple[int, int, int]


WHITE: Final = Ink("97", (236, 239, 244))
GREY: Final = Ink("90", (118, 126, 142))
GREEN: Final = Ink("32", (56, 190, 120))
RED: Final = Ink("31", (235, 87, 87))
YELLOW: Final = Ink("93", (255, 214, 64))
ORANGE: Final = Ink("33", (240, 146, 50))
CYAN: Final = Ink("96", (90, 200, 235))
BACKGROUND: Final = Ink("", (15, 18, 25))
PANEL: Final = Ink("", (30, 36, 48))  # a stripe behind a line; terminals show none
HIGHLIGHT: Final = Ink("", (52, 46, 22))


class Text(NamedTuple):
    """Characters from a column on."""

    column: int
    text: str
    ink: Ink


class Bar(NamedTuple):
    """A share ``fraction`` (0 to 1) of ``cells`` columns, filled from the left or from the right."""

    column: int
    cells: int
    fraction: float
    ink: Ink
    from_right: bool


class Line(NamedTuple):
    """One line: spans that do not overlap, in any order, over a stripe."""

    spans: Sequence[Text | Bar] = ()
    stripe: Ink = BACKGROUND


def to_text(lines: Sequence[Line]) -> str:
    """Return lines with terminal colours; no line ends in a blank or is wider than ``COLUMNS``."""
    return "\n".join(_text_line(line) for line in lines)


def _text_line(line: Line) -> str:
    out, column = "", 0
    for span in sorted(_as_text(span) for span in line.spans):
        if span.text:
            out += f"{' ' * (span.column - column)}\x1b[{span.ink.code}m{span.text}\x1b[0m"
            column = span.column + len(span.text)
    return out


def _as_text(span: Text | Bar) -> Text:
    """Return a span without the blanks around it."""
    if isinstance(span, Bar):
        filled = max(round(span.fraction * span.cells), 1) if span.fraction > 0 else 0
        blank = " " * (span.cells - filled if span.from_right else 0)
        span = Text(span.column, blank + "\N{FULL BLOCK}" * filled, span.ink)
    shown = span.text.lstrip()
    return Text(span.column + len(span.text) - len(shown), shown.rstrip(), span.ink)


def to_pixels(lines: Sequence[Line]) -> NDArray[np.uint8]:
    """Paint at most ``LINES`` lines.

    Returns:
        uint8 of shape ``(HEIGHT_PX, WIDTH_PX, 3)``: red, green, blue.
    """
    image = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    image[:] = BACKGROUND.rgb
    for number, line in enumerate(lines):
        stripe = image[number * CELL_HEIGHT_PX : (number + 1) * CELL_HEIGHT_PX]
        if line.stripe is not BACKGROUND:
            stripe[:] = line.stripe.rgb
        for span in line.spans:
            if isinstance(span, Bar):
                _paint_bar(stripe, span)
            else:
                _paint_text(stripe, span)
    return image


def _paint_bar(stripe: NDArray[np.uint8], bar: Bar) -> None:
    filled_px = max(round(bar.fraction * bar.cells * CELL_WIDTH_PX), 1) if bar.fraction > 0 else 0
    left_px = bar.column * CELL_WIDTH_PX
    if bar.from_right:
        left_px += bar.cells * CELL_WIDTH_PX - filled_px
    stripe[_BAR_MARGIN_PX:-_BAR_MARGIN_PX, left_px : left_px + filled_px] = bar.ink.rgb


def _paint_text(stripe: NDArray[np.uint8], span: Text) -> None:
    if not span.text:
        return
    mask = text_dots(span.text).repeat(_DOT_PX, axis=0).repeat(_DOT_PX, axis=1)
    left_px = span.column * CELL_WIDTH_PX
    area = stripe[_GLYPH_TOP_PX : _GLYPH_TOP_PX + mask.shape[0], left_px : left_px + mask.shape[1]]
    area[mask] = span.ink.rgb


def text_dots(text: str) -> NDArray[np.bool_]:
    """Return a text's dots, shape ``(7, 6 * len(text))``, ``text`` not empty.

    Letters are shown as capitals, and a character that has no glyph as a box.
    """
    return np.concatenate([GLYPHS.get(character.upper(), GLYPHS[_UNKNOWN]) for character in text], axis=1)


_STRIPS: Final = (
    (
        "ABCDEFGHIJKLM",
        """
        .###. ####. .###. ####. ##### ##### .###. #...# .###. ..### #...# #.... #...#
        #...# #...# #...# #...# #.... #.... #...# #...# ..#.. ...#. #..#. #.... ##.##
        #...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.#
        ##### ####. #.... #...# ####. ####. #.### ##### ..#.. ...#. ##... #.... #.#.#
        #...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...#
        #...# #...# #...# #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...#
        #...# ####. .###. ####. ##### #.... .###. #...# .###. .##.. #...# ##### #...#
        """,
    ),
    (
        "NOPQRSTUVWXYZ",
        """
        #...# .###. ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# #####
        ##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....#
        #.#.# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#.
        #.#.# #...# ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#..
        #..## #...# #.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#...
        #...# #...# #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #....
        #...# .###. #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. #####
        """,
    ),
    (
        "0123456789?!%",
        """
        .###. ..#.. .###. .###. ...#. ##### .###. ##### .###. .###. .###. ..#.. ##..#
        #...# .##.. #...# #...# ..##. #.... #.... ....# #...# #...# #...# ..#.. ##..#
        #..## ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...# ....# ..#.. ...#.
        #.#.# ..#.. ..##. ..##. #..#. ....# ####. ..#.. .###. .#### ...#. ..#.. ..#..
        ##..# ..#.. .#... ....# ##### ....# #...# .#... #...# ....# ..#.. ..#.. .#...
        #...# ..#.. #.... #...# ...#. #...# #...# .#... #...# ....# ..... ..... #..##
        .###. .###. ##### .###. ...#. .###. .###. .#... .###. .###. ..#.. ..#.. #..##
        """,
    ),
    (
        ".,:;-+*/()<>'",
        """
        ..... ..... ..... ..... ..... ..... ..... ....# ...#. .#... ...#. .#... ..#..
        ..... ..... .##.. .##.. ..... ..#.. ..#.. ....# ..#.. ..#.. ..#.. ..#.. ..#..
        ..... ..... .##.. .##.. ..... ..#.. #.#.# ...#. .#... ...#. .#... ...#. ..#..
        ..... ..... ..... ..... ##### ##### .###. ..#.. .#... ...#. #.... ....# .....
        ..... .##.. .##.. .##.. ..... ..#.. #.#.# .#... .#... ...#. .#... ...#. .....
        .##.. .##.. .##.. .##.. ..... ..#.. ..#.. #.... ..#.. ..#.. ..#.. ..#.. .....
        .##.. .#... ..... .#... ..... ..... ..... #.... ...#. .#... ...#. .#... .....
        """,
    ),
    (
        "=_&#^\N{WHITE SQUARE}",
        """
        ..... ..... .##.. .#.#. ..#.. #####
        ..... ..... #..#. .#.#. .#.#. #...#
        ##### ..... #.#.. ##### #...# #...#
        ..... ..... .#... .#.#. ..... #...#
        ##### ..... #.#.# ##### ..... #...#
        ..... ..... #..#. .#.#. ..... #...#
        ..... ##### .##.# .#.#. ..... #####
        """,
    ),
)


def _read_strips() -> dict[str, NDArray[np.bool_]]:
    glyphs = {" ": np.zeros((7, 6), np.bool_)}
    for characters, drawing in _STRIPS:
        rows = [list(row.replace(" ", "")) for row in drawing.strip().splitlines()]
        dots = (np.array(rows) == "#").reshape(7, len(characters), 5)
        for place, character in enumerate(characters):
            glyphs[character] = np.pad(dots[:, place], ((0, 0), (0, 1)))
    return glyphs


GLYPHS: Final = _read_strips()
"""Dots of each character, bool of shape ``(7, 6)``; the last column is blank."""
