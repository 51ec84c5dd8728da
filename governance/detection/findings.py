"""What a detection says of a file; nothing in it tells of prompts, prices, people or decisions."""

from dataclasses import dataclass
from typing import Literal

from governance.domain import Asset, MarkState

# What a finding rests on (Code of Practice, measure 1.2.3).
Basis = Literal["digest", "metadata", "watermark", "fingerprint", "label"]
SightingKind = Literal[
    "digest", "c2pa", "iptc", "aigc", "watermark", "fingerprint", "label", "vendor"
]
# Strongest first. `claimed`: metadata that anybody could have written names a record of ours.
Code = Literal[
    "released", "recalled", "unreleased", "candidate", "claimed", "other_service", "nothing"
]
FOUND: tuple[Code, ...] = ("released", "recalled", "unreleased")


@dataclass(frozen=True)
class Sighting:
    """What was found of one kind of mark: what it says, or why it was not looked for."""

    kind: SightingKind
    state: MarkState
    detail: str
    basis: Basis | None = None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Proof:
    """That `asset.released` is in the log: RFC 6962 inclusion, with the checkpoint it leads to.

    leaf: hexadecimal; path: base64; checkpoint: a signed note.
    """

    record: str
    index: int
    leaf: str
    path: tuple[str, ...]
    checkpoint: str


@dataclass(frozen=True)
class Release:
    """What everybody may know of a file that this service released.

    uri: where callers with a right to it read the records; digest: of the file as released;
    recalled_at: empty unless it was recalled; proof: None until a checkpoint covers the record;
    basis: what says that a file is, or resembles, this one.
    """

    generation: str
    uri: str
    digest: str
    media_type: str
    released_at: str
    recalled_at: str
    proof: Proof | None
    basis: tuple[Basis, ...]


@dataclass(frozen=True)
class Candidate:
    """A released file that looks or sounds alike; score: 0 to 100."""

    release: Release
    score: int


@dataclass(frozen=True)
class Verdict:
    """In words for people; basis: what it rests on, strongest first."""

    code: Code
    sentence: str
    basis: tuple[Basis, ...] = ()


@dataclass(frozen=True)
class Detection:
    """seconds: how much of a video or sound was looked at; releases: which files of ours it is;
    threshold, trials: what a watermark had to reach (z), and how often at most one was tried."""

    asset: Asset
    seconds: float
    verdict: Verdict
    sightings: tuple[Sighting, ...]
    releases: tuple[Release, ...]
    candidates: tuple[Candidate, ...]
    threshold: float
    trials: int

    @property
    def is_found(self) -> bool:
        return self.verdict.code in FOUND
