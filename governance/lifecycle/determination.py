"""Whether a finished file is a deep fake: a person says so who has seen it.

AI Act, Article 3(60): content that resembles existing persons, objects, places, entities or events
and would falsely appear to a person to be authentic or truthful. Who asked may not have known.
"""

from typing import Literal

from governance.evidence.story import Story
from governance.kernel.errors import Conflict, InvalidRequest

DeepFake = Literal["", "yes", "no"]


def is_due(story: Story) -> bool:
    """Whether nobody has said yet, so that an approval has to."""
    return bool(story.request["declaration"]["deep_fake"] == "unknown")


def require(story: Story, decision: str, deep_fake: DeepFake) -> None:
    """An approval says whether it is a deep fake where nobody has; a deep fake bears its label.

    Raises InvalidRequest (`deep_fake_unconfirmed`), Conflict (`deep_fake_unlabelled`).
    """
    if decision != "approve":
        return
    if is_due(story) and not deep_fake:
        raise InvalidRequest(
            "deep_fake_unconfirmed",
            "Say whether this is a deep fake: the request left it open.",
            param="deep_fake",
        )
    was_denied = story.request["declaration"]["deep_fake"] == "no"
    if deep_fake == "yes" and (was_denied or "label.visible" not in story.enforced):
        raise Conflict(
            "deep_fake_unlabelled",
            "A deep fake must not go out like this: it was asked for as none, or carries no "
            "visible label. Reject it, or return it for correction.",
        )
