"""What the agents ask for, and why each request is worth watching."""

from dataclasses import dataclass

PROJECT = "spring-campaign"
VENDOR_MODEL = "self/wan2.2-a14b"
LOCAL_MODEL = "local/procedural-video"
SECONDS = 3


@dataclass(frozen=True)
class Order:
    """One request. agent: a field of `Cast`; said: for the terminal; ends: the state at the end,
    or the code of the refusal; has_consent: the person who is shown has signed."""

    name: str
    agent: str
    prompt: str
    said: str
    model: str = LOCAL_MODEL
    deep_fake: str = "no"
    real_person: str = "no"
    has_consent: bool = False
    ends: str = "released"

    @property
    def size(self) -> str:
        return "832x480" if self.model == VENDOR_MODEL else "640x360"

    def metadata(self, consent: str) -> dict[str, str]:
        """What policy wants to know, as the caller declares it; consent: id of a registered one."""
        declared = {
            "project": PROJECT,
            "territories": "EU",
            "deep_fake": self.deep_fake,
            "real_person": self.real_person,
        }
        return declared | ({"consent": consent} if self.has_consent else {})


ACCEPTED = (
    Order(
        "coast",
        "colour",
        "A lighthouse above a calm sea at dusk, slow drift",
        "made on this machine, by what was handed on",
    ),
    Order(
        "street",
        "social",
        "A rainy street with neon signs, handheld camera",
        "made by the vendor; whether it is a deep fake is unknown",
        model=VENDOR_MODEL,
        deep_fake="unknown",
    ),
    Order(
        "portrait",
        "storyboard",
        "The ambassador of the brand greets the viewer",
        "a real person, with a registered consent",
        deep_fake="yes",
        real_person="yes",
        has_consent=True,
    ),
    Order(
        "train",
        "social",
        "A train crossing a viaduct [[drop]]",
        "the vendor's answer will be lost on the way",
        model=VENDOR_MODEL,
        ends="unknown",
    ),
)
REFUSED = (
    Order(
        "breakfast",
        "social",
        "The ambassador of the brand at breakfast",
        "a real person, no consent → denied by rule",
        deep_fake="yes",
        real_person="yes",
        ends="policy_denied",
    ),
    Order(
        "tide",
        "colour",
        "The tide comes in, seen from above",
        "a model beyond its mandate → denied by mandate",
        model=VENDOR_MODEL,
        ends="mandate_exceeded",
    ),
    Order(
        "forest",
        "intern",
        "A forest in the morning mist",
        "an agent that was given no role → denied by role",
        ends="access_denied",
    ),
)
