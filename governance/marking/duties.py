"""Which duties the marks found in the delivered file meet. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from governance.domain import Duty, Mark
from governance.marking.label.visible import LabelSpec, spec


def unmet(duties: Sequence[Duty], marks: Sequence[Mark]) -> list[str]:
    """Kinds of the enforced marking duties that `marks`, as read back, do not meet; sorted.

    `observe` duties never appear, nor do duties that are no matter of marks (review, retention).
    """
    return sorted(
        {duty.kind for duty in duties if duty.mode == "enforce" and not _met(duty, marks)}
    )


def _met(duty: Duty, marks: Sequence[Mark]) -> bool:
    present = [mark for mark in marks if mark.state == "present"]
    kinds = {mark.kind for mark in present}
    match duty.kind:
        case "mark.signed_metadata":
            return "iptc" in kinds and any(_trusted(mark) for mark in present)
        case "mark.watermark":
            return "watermark" in kinds
        case "metadata.aigc":
            return "aigc" in kinds
        case "label.audible":
            return any(_fact(mark, "form") == "audible" for mark in present)
        case "label.visible":
            wanted = spec(duty.parameters)
            return any(_shows(mark, wanted) for mark in present if mark.kind == "label")
    return True


def _trusted(mark: Mark) -> bool:
    """Whoever holds another key could sign in our record's name: ours is the one under our root."""
    return mark.kind == "c2pa" and _fact(mark, "validation") == "Trusted"


def _shows(mark: Mark, wanted: LabelSpec) -> bool:
    if _fact(mark, "form") != "visible" or _fact(mark, "wording") != wanted.wording:
        return False
    if int(_fact(mark, "height_permille")) < wanted.height:
        return False
    if _fact(mark, "coverage") == "throughout":
        return True
    return wanted.duration == "opening" and Decimal(_fact(mark, "seconds")) >= wanted.seconds


def _fact(mark: Mark, name: str) -> str:
    return dict(mark.facts).get(name, "")
