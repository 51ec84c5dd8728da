"""Regular expressions that people may write into policy, compiled only if they can't run away.

Python's `re` backtracks: a nested or unbounded repetition can take exponential time on a hostile
prompt. What is allowed here takes at most `MAX_STEPS` tries at each position of the text.
"""

import re

MAX_STEPS = 4000

_TOKEN = re.compile(
    r"""
      (?P<escape>    \\. )
    | (?P<set>       \[ \^? \]? (?: \\. | [^\]\\] )* \] )
    | (?P<group>     \( (?: \?: )? (?! \? ) )
    | (?P<special>   \( \? )
    | (?P<repeat>    \{ (?P<low>\d*) (?P<comma>,?) (?P<high>\d*) \} )
    | (?P<optional>  \? )
    | (?P<unbounded> [*+] )
    | (?P<close>     \) )
    | (?P<other>     . )
    """,
    re.VERBOSE | re.DOTALL,
)


def compile_pattern(source: str) -> re.Pattern[str]:
    """Raises ValueError with a sentence on what to change."""
    steps, before = 1, ""
    for token in _TOKEN.finditer(source):
        kind = token.lastgroup or ""
        _check_token(token, kind, before)
        steps *= _tries(token, kind)
        before = kind
    if steps > MAX_STEPS:
        raise ValueError(f"its repetitions multiply to {steps} tries; at most {MAX_STEPS}")
    try:
        return re.compile(source)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error


def _check_token(token: re.Match[str], kind: str, before: str) -> None:
    if kind == "special":
        raise ValueError("look-around and named groups are not allowed; use (?:…)")
    if kind == "unbounded" or (kind == "repeat" and token["comma"] and not token["high"]):
        raise ValueError("a repetition without upper bound; write {0,60} instead of * or +")
    if kind == "repeat" and before == "close":
        raise ValueError("a repeated group; repeat a single character or a set")
    if kind in ("repeat", "optional") and before in ("repeat", "optional"):
        raise ValueError("a repetition of a repetition")
    if kind == "escape" and token[0][1].isdigit():
        raise ValueError("back-references are not allowed")


def _tries(token: re.Match[str], kind: str) -> int:
    if kind == "optional":
        return 2
    if kind == "repeat":
        return int(token["high"] or token["low"] or 0) - int(token["low"] or 0) + 1
    return 1
