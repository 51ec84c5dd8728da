"""What is asked for."""

from dataclasses import dataclass, field
from typing import Literal

Media = Literal["video", "image", "audio"]
Purpose = Literal["intermediate", "final"]
Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class Declaration:
    """What the requester says about the content; `unknown` is treated as the stricter answer.

    deep_fake: Art. 3(60) AI Act; real_person: an identifiable person appears;
    artistic: evidently artistic, creative, satirical or fictional work (Art. 50(4));
    consent: opaque reference to a consent held elsewhere.
    """

    deep_fake: Answer = "unknown"
    real_person: Answer = "unknown"
    artistic: Answer = "no"
    consent: str | None = None


@dataclass(frozen=True)
class GenerationRequest:
    """One request for a clip, an image or a sound.

    model: catalogue id or `auto`; seconds: 0 for images; width/height: pixels, 0 for audio;
    territories: ISO 3166-1 alpha-2 codes or `EU`; roles: whether the organisation acts as
    provider, deployer or both (AI Act Art. 3(3), 3(4)); references: sha256 of input files.
    """

    organisation: str
    project: str
    media: Media
    model: str
    prompt: str
    seconds: int
    width: int
    height: int
    territories: tuple[str, ...]
    roles: tuple[Literal["provider", "deployer"], ...] = ("provider", "deployer")
    purpose: Purpose = "final"
    declaration: Declaration = field(default_factory=Declaration)
    audience: Literal["public", "internal"] = "public"
    sector: str = "general"
    references: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
