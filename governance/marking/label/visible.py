"""The visible label: what a duty asks for, and where in a picture it stands.

Measures 1.1 and 1.2 of Section 2 of the Code of Practice on Transparency of AI-Generated Content,
and GB 45438-2025, 5.2 and 5.4. Where a law gives a height (China: 5 % of the shortest side) it is
the height of a capital letter; ideographs stand a little higher. Of the icon it is the height of
AI, its main element.
"""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from governance.domain import Duty
from governance.kernel.errors import ConfigurationError
from governance.marking.label import icon, lettering
from governance.marking.label.block import Block, block, even

Placement = Literal["top_right", "top_left", "bottom_right", "bottom_left"]
Duration = Literal["opening", "interval", "throughout"]

# House values: the Code sets no seconds; GB 45438-2025 asks for at least 2.
OPENING_SECONDS = 3
EVERY_SECONDS = 15
SEPARATOR = " · "  # between wordings that policy joined
# Of the letters, to be raised when they are drawn otherwise; marks without this fact have design 1.
DESIGN = 2

# House values, in shares of the picture.
LINE = 0.5  # of the width: a wording with more than one word breaks rather than cover more
MARGINS = (0.03, 0.015, 0.005)  # of the shortest side: the first with which the block fits
# Below nine pixels a codec melts the strokes of a capital letter into one another.
LEAST_CAPITAL = 9


@dataclass(frozen=True)
class LabelSpec:
    """What a duty asks for. height: permille of the shortest side; seconds: of each display but
    for `throughout`; every: seconds from one start to the next, for `interval`."""

    wording: str
    placement: Placement
    duration: Duration
    seconds: int
    height: int
    every: int = EVERY_SECONDS


@dataclass(frozen=True)
class Label:
    """A label in its place: the box in pixels of a picture of `frame_width` × `frame_height`.

    text: its lines; text_height: of a capital letter.
    """

    spec: LabelSpec
    text: str
    frame_width: int
    frame_height: int
    x: int
    y: int
    width: int
    height: int
    text_height: int
    design: int = DESIGN

    def display(self, seconds: float) -> int | None:
        """The number, from 0, of the display that is due at this time from the start; or None."""
        asked = self.spec
        is_interval = asked.duration == "interval"
        if asked.duration == "throughout" or (is_interval and asked.seconds >= asked.every):
            return 0
        at = round(seconds, 4)  # a time stamp may be off by its last binary digit
        number = int(at // asked.every) if is_interval else 0
        return number if at - number * asked.every < asked.seconds else None

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What a reader needs to draw the same letters in the same place."""
        return (
            ("form", "visible"),
            ("wording", self.spec.wording),
            ("placement", self.spec.placement),
            ("duration", self.spec.duration),
            ("seconds", str(self.spec.seconds)),
            ("every", str(self.spec.every)),
            ("height_permille", str(self.spec.height)),
            ("frame", f"{self.frame_width}x{self.frame_height}"),
            ("box", f"{self.x},{self.y},{self.width},{self.height}"),
            ("text", self.text),
            ("text_height", str(self.text_height)),
            ("design", str(self.design)),
        )


def spec(parameters: Mapping[str, Any]) -> LabelSpec:
    """The parameters of a duty `label.visible`; policy has filled in the defaults."""
    return LabelSpec(
        wording=parameters["wording"],
        placement=parameters["placement"],
        duration=parameters["duration"],
        seconds=int(parameters.get("seconds", OPENING_SECONDS)),
        height=int(parameters["height"]),
        every=int(parameters.get("every", EVERY_SECONDS)),
    )


def from_facts(facts: Mapping[str, str]) -> Label:
    """A label as `Label.facts` described it. Raises KeyError or ValueError for other facts."""
    frame_width, frame_height = map(int, facts["frame"].split("x"))
    x, y, width, height = map(int, facts["box"].split(","))
    return Label(
        spec=spec({**facts, "height": facts["height_permille"]}),
        text=facts["text"],
        frame_width=frame_width,
        frame_height=frame_height,
        x=x,
        y=y,
        width=width,
        height=height,
        text_height=int(facts["text_height"]),
        design=int(facts.get("design", "1")),
    )


def due(duties: Sequence[Duty]) -> LabelSpec | None:
    """The label that is enforced; policy joins all rules about it into one duty."""
    for duty in duties:
        if duty.kind == "label.visible" and duty.mode == "enforce":
            return spec(duty.parameters)
    return None


def place(wanted: LabelSpec, width: int, height: int) -> Label:
    """Put the label into a picture of this size: all wordings in one block, a line for each.

    Raises ConfigurationError: `label_glyph_missing` for a character that no shipped face has,
    `label_too_large` for a label that doesn't fit.
    """
    wording = unicodedata.normalize("NFC", wanted.wording)
    _check_glyphs(wording)
    shortest = min(width, height)
    capital = max(LEAST_CAPITAL, math.ceil(wanted.height * shortest / 1000))
    for share in MARGINS:
        margin = even(share * shortest)
        room = width - 2 * margin
        for line in (min(room, LINE * width), room):
            text = _broken(wording, capital, line)
            set_ = block(text, capital)
            if set_.width <= room and set_.height <= height - 2 * margin:
                return _placed(wanted, text, set_, width, height, margin)
    raise ConfigurationError(
        "label_too_large",
        f"The label “{wanted.wording}” does not fit into a picture of {width}×{height} "
        "pixels; shorten its wording or lower its height in the policy.",
    )


def _placed(
    wanted: LabelSpec, text: str, set_: Block, width: int, height: int, margin: int
) -> Label:
    bottom, right = wanted.placement.startswith("bottom"), wanted.placement.endswith("right")
    return Label(
        spec=wanted,
        text=text,
        frame_width=width,
        frame_height=height,
        x=(width - margin - set_.width) // 2 * 2 if right else margin,
        y=(height - margin - set_.height) // 2 * 2 if bottom else margin,
        width=set_.width,
        height=set_.height,
        text_height=set_.capital,
    )


def _check_glyphs(wording: str) -> None:
    if missing := lettering.missing(wording):
        raise ConfigurationError(
            "label_glyph_missing",
            f"No shipped font has a glyph for {', '.join(missing)}; word the label in Latin, Greek "
            "or Cyrillic letters, or as the catalogue of labels does.",
        )


def _broken(wording: str, capital: int, room: float) -> str:
    """A line for each wording, the icon first; one that is longer than `room` breaks at spaces."""
    lines = []
    for part in sorted(wording.split(SEPARATOR), key=_rank):
        line = ""
        for word in [part] if part in icon.ICONS else part.split():
            longer = f"{line} {word}".strip()
            if line and block(longer, capital).width > room:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return "\n".join(lines)


def _rank(wording: str) -> int:
    """The icon stands first, then what isn't written in Latin letters: it is the shorter."""
    if wording in icon.ICONS:
        return 0
    return 1 if any(character >= "\u2e80" for character in wording) else 2
