"""What every vendor adapter offers, and the closed set of ways in which a vendor fails."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol

from governance.domain import InputRole, Media, ModelTask

FaultKind = Literal[
    "refused",  # the vendor's own rules forbid the content; never sent elsewhere silently
    "invalid",  # the vendor does not accept the order as it stands
    "throttled",  # too many requests; nothing was spent
    "exhausted",  # our credit or quota with the vendor is used up; nothing was spent
    "auth",  # the vendor does not accept our credentials
    "gone",  # the model, the job or its output does not exist (any more)
    "unavailable",  # the vendor did not take the call; nothing was spent
    "ambiguous",  # the order may or may not have been accepted: never send it again
    "internal",  # the vendor failed, or answered what no vendor should
]

RAW_LIMIT = 2048


class Fault(Exception):
    """A vendor call that did not do what it should.

    message: our words, safe to show; raw: the vendor's answer, at most RAW_LIMIT bytes;
    retry_after: seconds, where the vendor named them.
    """

    def __init__(
        self, kind: FaultKind, message: str, raw: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.raw = truncated(raw)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Input:
    """A file of ours that goes along, as our store holds it. media_type: as in `Asset`."""

    role: InputRole
    path: Path
    media_type: str


@dataclass(frozen=True)
class Order:
    """What is bought.

    key: our idempotency key, the generation's id; model: the vendor's own name for it; prompt: for
    speech, the words to be spoken; seconds: 0 for images; width, height: pixels, 0 for audio;
    audio: whether a video must have sound; voice: the vendor's name of one, empty for its usual.
    """

    key: str
    model: str
    prompt: str
    seconds: int
    width: int
    height: int
    media: Media
    audio: bool = False
    task: ModelTask = "generate"
    inputs: tuple[Input, ...] = ()
    voice: str = ""


@dataclass(frozen=True)
class Job:
    """A job at a vendor: all that is needed to go on after a restart.

    id: the vendor's, with whatever else its address needs; 300 characters at most.
    """

    id: str
    kind: Media
    provider: str
    model: str


@dataclass(frozen=True)
class Status:
    """A job's state. progress: 0 to 100; cost: USD, None where the vendor names none.

    A running job with a fault means that this poll brought no usable answer: ask again later.
    A failed job always has a fault.
    """

    state: Literal["running", "succeeded", "failed"]
    progress: int
    fault: FaultKind | None = None
    message: str = ""
    raw: str = ""
    cost: Decimal | None = None

    @property
    def is_decided(self) -> bool:
        """Whether a failed job is known to have failed. One that the vendor does not know, or of
        which it says what nobody understands, may be there all the same, and be charged: the
        account may have been exchanged meanwhile."""
        return self.fault not in ("gone", "ambiguous")


class Provider(Protocol):
    """One vendor, or one kind of server. Calls are synchronous and thread-safe."""

    @property
    def name(self) -> str:
        """As the catalogue names it in `provider`."""

    @property
    def recoverable(self) -> bool:
        """Whether `recover` can find a job whose submission was never answered."""

    def configured(self) -> bool:
        """Whether address and credentials are there; asks nobody."""

    def submit(self, order: Order) -> tuple[Job, str]:
        """Place the order, at most once, without retries: the job and the vendor's answer.

        Raises Fault: `ambiguous` whenever the order may have been accepted all the same.
        """

    def poll(self, job: Job) -> Status:
        """Where the job stands. Never raises Fault."""

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        """Write the finished media to `target`, at most `limit` bytes.

        Raises Fault and leaves no file: `unavailable` may pass, the others will not.
        """

    def cancel(self, job: Job) -> bool:
        """True if the vendor has stopped; False: let it finish, discard it, record its cost."""

    def recover(self, key: str) -> Job | None:
        """The job that was ordered under this key; None where there is none or none is found."""


def truncated(raw: str) -> str:
    return raw.encode()[:RAW_LIMIT].decode(errors="ignore")
