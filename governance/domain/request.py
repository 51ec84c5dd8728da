"""What is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Media = Literal["video", "image", "audio"]
Purpose = Literal["intermediate", "final"]
# What is made: something new, or another version of a `parent`.
Task = Literal["generate", "remix", "extend", "upscale", "edit"]
# What a model does for it: a remix starts from the words of its parent, not from its file.
ModelTask = Literal["generate", "extend", "upscale", "edit"]
MODEL_TASKS: Mapping[Task, ModelTask] = {
    "generate": "generate",
    "remix": "generate",
    "extend": "extend",
    "upscale": "upscale",
    "edit": "edit",
}
InputRole = Literal["first_frame", "last_frame", "reference", "source"]
Answer = Literal["yes", "no", "unknown"]
Depicted = Literal["person", "object", "place", "entity", "event"]
# What a consent is worth for one request on one day; missing: none was named, or there is none.
ConsentState = Literal["valid", "missing", "expired", "withdrawn", "out_of_scope"]


@dataclass(frozen=True)
class Declaration:
    """What the requester says about the content; `unknown` is treated as the stricter answer.

    deep_fake: Art. 3(60) AI Act; real_person: an identifiable person appears;
    artistic: evidently artistic, creative, satirical or fictional work (Art. 50(4));
    consent: id of a registered consent (`cns_…`) of the person shown;
    synthetic_performer: a generated performer who looks human and is no identifiable person (New
    York GBL 396-b); depicts: what exists and is resembled (Art. 3(60)), empty if nothing was said.
    """

    deep_fake: Answer = "unknown"
    real_person: Answer = "unknown"
    artistic: Answer = "no"
    consent: str | None = None
    synthetic_performer: Answer = "unknown"
    depicts: tuple[Depicted, ...] = ()


@dataclass(frozen=True)
class InputFile:
    """A file that a model is to work from. digest: sha256 of its bytes, which our store holds."""

    role: InputRole
    digest: str
    media_type: str


@dataclass(frozen=True)
class GenerationRequest:
    """One request for a clip, an image or a sound.

    model: catalogue id, `auto`, `draft` or `final`; seconds: 0 for images; width/height: pixels, 0
    for audio; production: `prd_…`; parent: the generation that this is another version of, as
    `task` says; voice: for speech, the vendor's name of one; audio: whether there must be sound;
    territories: ISO 3166-1 or 3166-2 codes or `EU`; roles: whether the organisation acts as
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
    production: str | None = None
    parent: str | None = None
    task: Task = "generate"
    inputs: tuple[InputFile, ...] = ()
    voice: str = ""
    audio: bool = False
