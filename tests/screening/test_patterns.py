"""Patterns that could run away are refused before they meet a prompt."""

import pytest

from governance.screening.patterns import compile_pattern


@pytest.mark.parametrize(
    "source",
    [
        r"\bface swap\b",
        r"colou?rs?",
        r"(?:a|b) (?:c|d)?",
        r"\bfake.{0,60}news\b",
        r"[+*?{}()]",
        r"\(\+\*\)",
        r"1[0-7]{1,2}",
    ],
)
def test_bounded_patterns_are_compiled(source: str) -> None:
    assert compile_pattern(source).pattern == source


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (r"(a+)+$", "without upper bound"),
        (r"a*b", "without upper bound"),
        (r"a{2,}", "without upper bound"),
        (r"(?:a|aa){1,30}b", "a repeated group"),
        (r"a{1,9}?b", "a repetition of a repetition"),
        (r"a{1,50}.{0,50}.{0,50}b", "multiply"),
        (r"(?=a)b", "look-around"),
        (r"(?P<a>b)", "named groups"),
        (r"(a)\1", "back-references"),
        (r"(a", "not a regular expression"),
    ],
)
def test_patterns_that_can_run_away_are_refused(source: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        compile_pattern(source)
