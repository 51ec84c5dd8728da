"""What the agents ask for, and why each request is worth watching."""

from dataclasses import dataclass

from governance.domain import Media

PROJECT = "spring-campaign"
VENDOR_MODEL = "self/wan2.2-a14b"
SUFFIX: dict[Media, str] = {"video": ".mp4", "image": ".png", "audio": ".wav"}


@dataclass(frozen=True)
class Order:
    """One request. agent: a field of `Cast`; said: for the terminal; ends: the state at the end,
    or the code of the refusal; has_consent: the person who is shown has signed; is_shown: whether
    the terminal tells its duties."""

    name: str
    agent: str
    prompt: str
    said: str
    media: Media = "video"
    is_bought: bool = False
    territories: str = "EU"
    deep_fake: str = "no"
    real_person: str = "no"
    has_consent: bool = False
    is_shown: bool = False
    ends: str = "released"

    @property
    def file(self) -> str:
        return self.name + SUFFIX[self.media]

    @property
    def model(self) -> str:
        return VENDOR_MODEL if self.is_bought else f"local/procedural-{self.media}"

    @property
    def size(self) -> str:
        """Empty for sound."""
        if self.media == "audio":
            return ""
        return "832x480" if self.is_bought else "640x360"

    @property
    def seconds(self) -> int | None:
        """A sound needs some seconds to hold a watermark."""
        return {"video": 3, "image": None, "audio": 6}[self.media]

    def metadata(self, consent: str) -> dict[str, str]:
        """What policy wants to know, as the caller declares it; consent: id of a registered one."""
        declared = {
            "project": PROJECT,
            "territories": self.territories,
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
        "made by the vendor; for China, too; a deep fake? unknown",
        is_bought=True,
        territories="EU,CN",
        deep_fake="unknown",
        is_shown=True,
    ),
    Order(
        "portrait",
        "storyboard",
        "The ambassador of the brand greets the viewer",
        "a real person, with a registered consent",
        deep_fake="yes",
        real_person="yes",
        has_consent=True,
        is_shown=True,
    ),
    Order(
        "poster",
        "social",
        "A poster of the lighthouse under the evening star",
        "an image, for China, too",
        media="image",
        territories="EU,CN",
    ),
    Order(
        "crowd",
        "storyboard",
        "A full stadium, as if it had been recorded there",
        "a sound that could be taken for real",
        media="audio",
        deep_fake="yes",
        is_shown=True,
    ),
    Order(
        "train",
        "social",
        "A train crossing a viaduct [[drop]]",
        "the vendor's answer will be lost on the way",
        is_bought=True,
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
        is_bought=True,
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
RELEASED = tuple(order for order in ACCEPTED if order.ends == "released")
