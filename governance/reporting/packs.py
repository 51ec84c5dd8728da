"""The rule packs of the policy in force, as its document tells of them. Pure."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True)
class Omission:
    """A provision that no rule evaluates, and why."""

    cites: str
    because: str


@dataclass(frozen=True)
class Pack:
    """A pack. status: of the law itself; rules: how many of each level (law, code, house).

    applies: false for the reading of a law that another pack stands for.
    """

    id: str
    version: str
    title: str
    jurisdiction: str
    status: str
    note: str
    as_of: str
    applies: bool
    rules: dict[str, int]
    omissions: tuple[Omission, ...]


def packs(document: bytes) -> tuple[Pack, ...]:
    """Every pack of a policy document, also those without rules, in order of id."""
    content = orjson.loads(document)
    told = [_pack(item, True) for item in content["packs"]]
    told += [_pack(item, False) for item in content.get("left_out", [])]
    return tuple(sorted(told, key=lambda pack: pack.id))


def _pack(item: dict[str, Any], applies: bool) -> Pack:
    return Pack(
        id=item["id"],
        version=item["version"],
        title=item["title"],
        jurisdiction=item["jurisdiction"],
        status=item.get("status", "in_force"),
        note=item.get("status_note", "").strip(),
        as_of=item.get("as_of", ""),
        applies=applies,
        rules=Counter(rule["level"] for rule in item.get("rules", [])),
        omissions=tuple(
            Omission(one["cites"], one["because"].strip()) for one in item.get("not_evaluated", [])
        ),
    )
