"""The disclosure icon: our own drawing after the Code of Practice on Transparency, Section 2.

Measure 1.1: the capitals AI are the main element, of the same height, in kept proportions; that
the content is generated or modified stands next to them, smaller. AI is cut out of a full badge.
Sizes are in heights of the letters AI, until drawn.
"""

from PIL import ImageDraw

from governance.marking.label import lettering

# A wording that is one of these is drawn as the icon.
ICONS = ("AI", "AI GENERATED", "AI MODIFIED")

BADGE_X = 0.34  # from the letters to the edge of the badge
BADGE_Y = 0.30
RADIUS = 0.34
GAP = 0.42  # between badge and word
WORD = 0.66  # height of the word's capitals
LEAST_WORD = 9  # pixels: smaller capitals are hard to read

LETTER_GAP = 0.16
STEM = 0.225
LEG = 0.24  # a slanting leg looks thinner than an upright one of the same width
A_WIDTH, A_TOP = 0.98, 0.28
SLOPE = (A_WIDTH - A_TOP) / 2  # run of a leg over its whole height
BAR_TOP, BAR_BOTTOM = 0.60, 0.78  # of the A, from its top
LETTERS = A_WIDTH + LETTER_GAP + STEM

Point = tuple[float, float]


def badge_height(capital: int) -> int:
    """In pixels; even distances above and below the letters."""
    return capital + 2 * round(BADGE_Y * capital)


def width(icon: str, capital: int) -> float:
    """Of badge and word, in pixels."""
    badge = (LETTERS + 2 * BADGE_X) * capital
    word = _word(icon)
    if not word:
        return badge
    return badge + GAP * capital + lettering.width(word, _word_height(capital))


def draw(
    on: ImageDraw.ImageDraw, icon: str, x: float, top: float, capital: int, scale: int
) -> None:
    """Draw with the badge's corner at (x, top) of a picture `scale` times larger."""
    unit = capital * scale
    height = badge_height(capital) * scale
    badge = (LETTERS + 2 * BADGE_X) * unit
    on.rounded_rectangle((x, top, x + badge - 1, top + height - 1), RADIUS * unit, fill=255)
    at = (x + BADGE_X * unit, top + (height - unit) / 2)
    for outline, fill in _letters():
        on.polygon([(at[0] + px * unit, at[1] + py * unit) for px, py in outline], fill=fill)
    if word := _word(icon):
        letters = _word_height(capital)
        baseline = top + ((badge_height(capital) + letters + 1) // 2) * scale
        lettering.draw(on, word, x + badge + GAP * unit, baseline, letters * scale)


def _letters() -> list[tuple[list[Point], int]]:
    """Outlines of A and I, one high, and what fills them: 0 cuts out, 255 fills again."""
    apex = 1 - (A_WIDTH / 2 - LEG) / SLOPE  # where the insides of the legs meet
    letter = _between_legs(0.0, 1.0, inset=0)
    counter = [(A_WIDTH / 2, apex), *_between_legs(BAR_TOP, BAR_TOP, inset=LEG)[:2]]
    foot = _between_legs(BAR_BOTTOM, 1.0, inset=LEG)
    left, right = A_WIDTH + LETTER_GAP, A_WIDTH + LETTER_GAP + STEM
    upright = [(left, 0.0), (right, 0.0), (right, 1.0), (left, 1.0)]
    return [(letter, 0), (counter, 255), (foot, 255), (upright, 0)]


def _between_legs(top: float, bottom: float, inset: float) -> list[Point]:
    """The part of the A between two heights, as far inside of its outer edges as `inset`."""
    upper, lower = SLOPE * (1 - top) + inset, SLOPE * (1 - bottom) + inset
    return [(upper, top), (A_WIDTH - upper, top), (A_WIDTH - lower, bottom), (lower, bottom)]


def _word(icon: str) -> str:
    return icon.removeprefix("AI").strip()


def _word_height(capital: int) -> int:
    return min(capital, max(LEAST_WORD, round(WORD * capital)))
