"""Where rules apply: codes of ISO 3166 and groups such as EU, and which lie within which."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Territories:
    """`known`: code and name of each; `inside`: what lies in a group or a country."""

    known: dict[str, str]
    inside: dict[str, frozenset[str]]

    def unknown(self, codes: Iterable[str]) -> list[str]:
        """Those of `codes` that nothing is called by."""
        return sorted(set(codes) - self.known.keys())

    def within(self, codes: Iterable[str]) -> frozenset[str]:
        """`codes` and all that lies within them."""
        outer = frozenset(codes)
        inner = frozenset[str]().union(*(self.inside.get(code, ()) for code in outer))
        return outer | self.within(inner) if inner else outer

    def concerning(self, codes: Iterable[str]) -> frozenset[str]:
        """What a request may name to come under rules of `codes`: also what they lie within."""
        found = self.within(codes)
        return found | {around for around in self.inside if self.within([around]) & set(codes)}


def territories(content: dict[str, Any]) -> Territories:
    """From the content of `territories.yaml`; policies of the time before it have none."""
    groups = content.get("groups", {})
    countries = content.get("countries", {})
    subdivisions = content.get("subdivisions", {})
    inside = {code: set(group["members"]) for code, group in groups.items()}
    for code in subdivisions:
        inside.setdefault(country_of(code), set()).add(code)
    return Territories(
        known={code: group["name"] for code, group in groups.items()} | countries | subdivisions,
        inside={code: frozenset(codes) for code, codes in inside.items()},
    )


def country_of(code: str) -> str:
    """The country in which a subdivision lies."""
    return code.partition("-")[0]
