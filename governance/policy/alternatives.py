"""Packs that exclude each other: readings of one law of which a switch says which applies."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from governance.kernel.documents import Document, FileFault, read_yaml

FILE = "alternatives.yaml"
SCHEMA = "schemas/alternatives.schema.json"
_TOLD = ("id", "version", "title", "jurisdiction", "status", "status_note", "alternative")


def choose(
    policies_dir: Path, documents: list[Document], choices: Mapping[str, str]
) -> tuple[dict[str, Any], list[FileFault]]:
    """The `packs` that apply and what is to be told of those `left_out`, and the switch's faults.

    choices: other choices than those of the file, by group.
    """
    switch, faults = read_yaml(policies_dir, FILE, SCHEMA)
    if faults:
        return {}, faults
    faults = list(_switch_faults(switch, documents))
    active = {**switch.value["active"], **choices}
    packs = [document.value for document in documents]
    content = {
        "packs": [pack for pack in packs if _applies(pack, active)],
        "left_out": [
            {name: pack[name] for name in _TOLD if name in pack}
            for pack in packs
            if not _applies(pack, active)
        ],
    }
    return content, faults


def _applies(pack: dict[str, Any], active: Mapping[str, str]) -> bool:
    behind = pack.get("alternative")
    return behind is None or active.get(behind["group"]) == behind["choice"]


def _switch_faults(switch: Document, documents: list[Document]) -> Iterator[FileFault]:
    active = switch.value["active"]
    offered: dict[tuple[str, str], str] = {}
    for document in documents:
        behind = document.value.get("alternative")
        if behind is None:
            continue
        key = (behind["group"], behind["choice"])
        if key in offered:
            message = f"{offered[key]} makes the same choice: only one pack of a group applies"
            yield document.fault(("alternative",), message)
        offered[key] = document.file
        if behind["group"] not in active:
            message = f"{FILE} makes no choice for the group “{behind['group']}”"
            yield document.fault(("alternative", "group"), message)
    for group, choice in active.items():
        if (group, choice) not in offered:
            yield switch.fault(("active", group), f"no pack of “{group}” is the choice “{choice}”")
