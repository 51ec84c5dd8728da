"""The folder that people edit: fonts, colours, words."""

import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from governance.evidence.story import ENDS, State
from governance.reporting import pdf
from tests.reporting.samples import TEMPLATES

FONTS = sorted((TEMPLATES / "fonts").glob("*.woff2"))
TEXTS = [path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".css"}]
# Hyphen, no-break hyphen, dashes, minus, spaces, arrows, dots and quotes that reports need.
NEEDED = "‐‑–—−\u00a0\u202f←→↑↓·…“”‘’§×"


@pytest.mark.parametrize("path", FONTS, ids=lambda path: path.name)
def test_each_font_is_complete(path: Path) -> None:
    with TTFont(path, lazy=True) as font:
        covered = font.getBestCmap()
    assert [sign for sign in NEEDED if ord(sign) not in covered] == []


def test_every_character_of_the_templates_is_in_the_fonts() -> None:
    covered = pdf._covered(TEMPLATES / "fonts")
    used = set("".join(path.read_text("utf-8") for path in TEXTS)) - {"\n"}
    assert [sign for sign in used if ord(sign) not in covered] == []


def test_the_fonts_come_with_their_licences_and_stay_small() -> None:
    for name in ("OFL-IBM-Plex.txt", "OFL-Source-Serif.txt"):
        licence = (TEMPLATES / "fonts" / name).read_text("utf-8")
        assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert sum(path.stat().st_size for path in TEMPLATES.rglob("*.*")) < 1_500_000


def test_every_colour_that_is_used_has_a_value() -> None:
    defined = dict(pdf._COLOUR.findall((TEMPLATES / "colours.css").read_text("utf-8")))
    for path in TEXTS:
        used = set(re.findall(r"var\(--([a-z-]+)\)", path.read_text("utf-8")))
        assert used <= set(defined), path.name
    assert "var(" not in pdf.chart_style(TEMPLATES)


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in TEXTS:
        assert not re.search(r"https?://|//[a-z]+\.", path.read_text("utf-8")), path.name


def test_every_state_that_is_no_end_is_called_open() -> None:
    words = (TEMPLATES / "words.html").read_text("utf-8")
    for state in set(State) - ENDS:
        assert f'"{state}": "open' in words


def test_the_report_is_not_called_what_it_is_not() -> None:
    for path in TEXTS:
        text = path.read_text("utf-8").lower()
        assert not re.search(r"assurance report|certificate|soc 2", text), path.name
