"""The catalogue of label wordings, by language: `labels.yaml` of the policies folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from governance.kernel.documents import Document, FileFault, read_yaml, refusal
from governance.marking.label import lettering

FILE = "labels.yaml"
SCHEMA = "schemas/labels.schema.json"


@dataclass(frozen=True)
class Wording:
    """language: BCP 47; says: what it discloses; basis: who asks for these words."""

    text: str
    language: str
    says: Literal["generated", "modified", "involved", "performer"]
    basis: Literal["law", "code", "house"]


def load(policies_dir: Path) -> tuple[Wording, ...]:
    """The wordings, in the order of the file.

    Raises ConfigurationError (`labels_invalid`), one line per fault.
    """
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("labels_invalid", faults)
    return tuple(Wording(**entry) for entry in document.value["wordings"])


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong in the file; empty when `load` would succeed."""
    return _inspect(policies_dir)[1]


def _inspect(policies_dir: Path) -> tuple[Document, list[FileFault]]:
    document, faults = read_yaml(policies_dir, FILE, SCHEMA)
    if faults:
        return document, faults
    return document, [
        document.fault(
            ("wordings", index, "text"),
            f"no shipped font has a glyph for {', '.join(missing)} of “{entry['text']}”",
        )
        for index, entry in enumerate(document.value["wordings"])
        if (missing := lettering.missing(entry["text"]))
    ]
