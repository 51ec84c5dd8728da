"""Letters: the faces shipped beside this file, and lines of text drawn with them.

Sizes are given by the height of a capital letter in pixels. Inter draws Latin, Greek and Cyrillic;
of Chinese, Korean and Japanese there are the characters that labels are worded with.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

FONTS = Path(__file__).parent / "fonts"
LATIN = "Inter-Labels.ttf"
CHINESE = "NotoSansSC-Labels.ttf"
KOREAN = "NotoSansKR-Labels.ttf"
JAPANESE = "NotoSansJP-Labels.ttf"

LATIN_CAPITAL = 1490 / 2048  # of the em
# A little smaller than the em of the capitals beside them, and still higher than these.
IDEOGRAPH = 0.96
TRACKING = 0.05  # between characters, in heights of a capital


def missing(text: str) -> list[str]:
    """The characters that no face has, each once, sorted."""
    faces = _faces(text)
    return sorted({sign for sign in text if not any(_has(face, sign) for face in faces)})


def width(text: str, capital: float) -> float:
    """Of a line, in pixels."""
    advances = [font.getlength(character) for character, font in _set(text, capital)]
    return sum(advances) + TRACKING * capital * (len(advances) - 1)


def draw(on: ImageDraw.ImageDraw, text: str, x: float, baseline: float, capital: float) -> None:
    """Draw a line in white from x, its capitals standing on the baseline."""
    for character, font in _set(text, capital):
        on.text((x, baseline), character, fill=255, font=font, anchor="ls")
        x += font.getlength(character) + TRACKING * capital


def _set(text: str, capital: float) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
    faces = _faces(text)
    em = capital / LATIN_CAPITAL
    for character in text:
        face = next((face for face in faces if _has(face, character)), LATIN)
        yield character, _font(face, em if face == LATIN else em * IDEOGRAPH)


def _faces(text: str) -> tuple[str, ...]:
    """In the order to ask them: one character may look different in another language."""
    if any("\u3040" <= character <= "\u30ff" for character in text):
        return LATIN, JAPANESE, CHINESE, KOREAN
    return LATIN, CHINESE, KOREAN, JAPANESE


@lru_cache(maxsize=1024)
def _has(face: str, character: str) -> bool:
    font = _font(face, 32)
    glyph, nothing = font.getmask(character), font.getmask("\uffff")
    return glyph.size != nothing.size or bytes(glyph) != bytes(nothing)


@lru_cache(maxsize=32)
def _font(face: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / face, size, layout_engine=ImageFont.Layout.BASIC)
