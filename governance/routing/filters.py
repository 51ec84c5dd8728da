"""The hard filters: every reason for which a model may not make what is asked for."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from governance.domain import MODEL_TASKS, GenerationRequest, Quote
from governance.evidence.grant import covers_item
from governance.routing.catalogue import Catalogue
from governance.routing.frames import aspect_ratio
from governance.routing.model import Frame, Model

# Why a candidate is rejected that nothing but a kill switch stands against.
STOPPED = "stopped by a kill switch"
# The same for one that keeps failing.
RESTING = "resting after repeated faults of its vendor"
# Plain speech has 12 to 15 characters a second, pauses included. A vendor bills the words that it
# speaks, the catalogue prices seconds: so many seconds must be asked for at the least.
CHARACTERS_PER_SECOND = 15


@dataclass(frozen=True)
class Needs:
    """What has to hold beside the request itself; see `Router.route`."""

    max_amount: Decimal | None = None
    audio: bool = False
    stopped: Collection[str] = ()
    permitted: Sequence[str] | None = None
    allowed: Collection[str] | None = None
    barred: Mapping[str, str] = field(default_factory=dict)
    patient: bool = False


def lifecycle(catalogue: Catalogue, model: Model, today: date) -> Iterator[str]:
    if model.retired(today):
        follows = f"; use {', '.join(model.successors)}" if model.successors else ""
        yield f"retired on {model.retired_on}{follows}"
    elif model.status == "announced":
        yield "announced, not served yet"
    if catalogue.is_stale(model, today):
        yield (
            f"what is known of it is of {model.as_of}, older than {catalogue.horizon.stale_after} "
            "days: look at its entry in the catalogue again"
        )


def rights(catalogue: Catalogue, model: Model, request: GenerationRequest) -> Iterator[str]:
    """Where its licence lets the result be used."""
    if not model.territories_denied:
        return
    denied = catalogue.countries(model.territories_denied)
    asked = catalogue.countries(request.territories)
    if not asked:
        yield "its licence excludes territories, and the request names none"
    elif shared := sorted(denied & asked):
        yield f"its licence excludes {', '.join(shared)}"


def residency(catalogue: Catalogue, model: Model, regions: Sequence[str] | None) -> Iterator[str]:
    """Where it may process the request."""
    if regions is None:
        return
    if model.regions is None:
        yield "nobody knows where it processes"
    elif strange := sorted(catalogue.countries(model.regions) - catalogue.countries(regions)):
        yield f"processes in {', '.join(strange)}"


def provenance(model: Model, needed: Collection[str]) -> Iterator[str]:
    """What its vendor must leave in the file."""
    if not needed:
        return
    if model.marks is None:
        yield "nobody knows what its vendor leaves in the file"
    elif missing := sorted(set(needed) - set(model.marks)):
        yield f"its vendor leaves no {' or '.join(missing)} in the file"


def capability(model: Model, request: GenerationRequest, audio: bool) -> Iterator[str]:
    if model.media != request.media:
        yield f"makes {model.media}, not {request.media}"
        return
    if model.seconds and request.seconds not in model.seconds:
        yield f"does not make {request.seconds} s ({_durations(model.seconds)})"
    if model.frame is not None and not _fits(model.frame, request.width, request.height):
        yield f"does not make {request.width}x{request.height} ({_sizes(model.frame)})"
    if audio and model.audio == "never":
        yield "makes no sound"
    if MODEL_TASKS[request.task] not in model.tasks:
        yield f"does not {request.task}"
    if missing := sorted({given.role for given in request.inputs} - set(model.inputs)):
        yield f"takes no {' or '.join(missing)}"
    if request.voice and not model.voices:
        yield "has no voices to choose from"


def speech(model: Model, request: GenerationRequest) -> Iterator[str]:
    """Whether what is paid for is as long as the words that will be spoken."""
    least = spoken_seconds(request.prompt)
    if model.voices and request.seconds < least:
        yield f"needs `seconds` of at least {least} to speak so many words"


def spoken_seconds(words: str) -> int:
    """How long it takes to speak them."""
    return math.ceil(len(words) / CHARACTERS_PER_SECOND)


def price(quote: Quote | None, limit: Decimal | None) -> Iterator[str]:
    if quote is None:
        yield "no price known for this size, length and sound"
    elif limit is not None and quote.amount > limit:
        yield f"costs {quote.amount} USD, above the limit of {limit} USD"


def permission(model: Model, needs: Needs) -> Iterator[str]:
    """The caller's grant, the production, kill switches, and what has been tried before."""
    if needs.permitted is not None and not covers_item(model.id, needs.permitted):
        yield "outside the mandate"
    if needs.allowed is not None and model.id not in needs.allowed:
        yield "not among the models of the production"
    if model.id in needs.barred:
        yield needs.barred[model.id]
    elif needs.barred and model.is_stand_in:
        yield "a stand-in takes no other model's place"
    if f"model:{model.id}" in needs.stopped or f"provider:{model.provider}" in needs.stopped:
        yield STOPPED


def _fits(frame: Frame, width: int, height: int) -> bool:
    short, long = sorted((width, height))
    return (
        frame.short_min <= short <= frame.short_max
        and long <= frame.long_max
        and width % frame.multiple_of == 0
        and height % frame.multiple_of == 0
        and (not frame.shorts or short in frame.shorts)
        and (not frame.ratios or aspect_ratio(width, height, frame.ratios) is not None)
    )


def _durations(seconds: tuple[int, ...]) -> str:
    step = seconds[1] - seconds[0] if len(seconds) > 1 else 1
    steps = f" in steps of {step}" if step > 1 else ""
    return f"{seconds[0]} to {seconds[-1]} s{steps}"


def _sizes(frame: Frame) -> str:
    short = f"{frame.short_min} to {frame.short_max}"
    if frame.shorts:
        short = " or ".join(map(str, frame.shorts))
    ratios = f", {' or '.join(frame.ratios)}" if frame.ratios else ""
    return (
        f"shorter side {short}, longer side up to {frame.long_max}, multiples of "
        f"{frame.multiple_of}{ratios}"
    )
