"""Which duties the marks found in the delivered file meet, and why the others stop it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from governance.domain import Duty, Mark, MarkKind
from governance.marking.label.audible import resolve_all
from governance.marking.label.visible import LabelSpec, spec

START = 2  # seconds: a notice that begins later is not one at the start


def unmet(duties: Sequence[Duty], marks: Sequence[Mark]) -> list[str]:
    """Kinds of the enforced marking duties that `marks`, as read back, do not meet; sorted.

    `observe` duties never appear, nor do duties that are no matter of marks (review, retention).
    """
    return sorted({duty.kind for duty in duties if _fault(duty, marks)})


def why(duties: Sequence[Duty], marks: Sequence[Mark]) -> list[str]:
    """A sentence for each duty that `unmet` names: which one, and what was found instead."""
    faults = {f"{duty.kind}: {fault}" for duty in duties if (fault := _fault(duty, marks))}
    return sorted(faults)


def _fault(duty: Duty, marks: Sequence[Mark]) -> str:
    """Why the duty is not met; empty if it is, or doesn't bind, or is no matter of marks."""
    judge = JUDGES.get(duty.kind)
    return judge(duty.parameters, marks) if judge and duty.mode == "enforce" else ""


def _signed_metadata(parameters: Mapping[str, Any], marks: Sequence[Mark]) -> str:
    """Whoever holds another key could sign in our record's name: ours is the one under our root."""
    if fault := _missing("c2pa", marks):
        return fault
    if all(_fact(mark, "validation") != "Trusted" for mark in _present("c2pa", marks)):
        return "The signer of the manifest is not under the trust anchors of this service."
    return _missing("iptc", marks)


def _time_stamp(parameters: Mapping[str, Any], marks: Sequence[Mark]) -> str:
    stamps = [_fact(mark, "time_stamp") for mark in _present("c2pa", marks)]
    if any(stamp.startswith("RFC 3161") for stamp in stamps):
        return ""
    return _missing("c2pa", marks) or (
        "The manifest has no time stamp of an authority; configure one, or let it answer."
    )


def _watermark(parameters: Mapping[str, Any], marks: Sequence[Mark]) -> str:
    return _missing("watermark", marks)


def _aigc(parameters: Mapping[str, Any], marks: Sequence[Mark]) -> str:
    return _missing("aigc", marks)


def _audible(parameters: Mapping[str, Any], marks: Sequence[Mark]) -> str:
    heard = _present("label", marks, "audible")
    languages = {_fact(mark, "language") for mark in heard}
    missing = set(resolve_all(str(parameters.get("language", "en")))) - languages
    if missing:
        listed = ", ".join(sorted(missing))
        return f"The notice is not spoken in {listed}: {_detail('label', marks, 'audible')}"
    at = min(Decimal(_fact(mark, "at")) for mark in heard)
    return f"The notice is spoken at {at} s only, not at the start." if at > START else ""


def _visible(parameters: Mapping[str, Any], marks: Sequence[Mark]) -> str:
    wanted = spec(parameters)
    shown = _present("label", marks, "visible")
    if not shown:
        return f"“{wanted.wording}” is not shown: {_detail('label', marks, 'visible')}"
    faults = [_visible_fault(mark, wanted) for mark in shown]
    return "" if "" in faults else faults[0]


def _visible_fault(mark: Mark, wanted: LabelSpec) -> str:
    wording, height = _fact(mark, "wording"), int(_fact(mark, "height_permille"))
    if wording != wanted.wording:
        return f"The label says “{wording}”, not “{wanted.wording}”."
    if height < wanted.height:
        return f"The label is {height} ‰ of the shortest side high; {wanted.height} ‰ are due."
    if _fact(mark, "placement") != wanted.placement:
        return f"The label is not at {wanted.placement.replace('_', ' ')}."
    return _duration_fault(mark, wanted)


def _duration_fault(mark: Mark, wanted: LabelSpec) -> str:
    """Whoever shows it longer, or more often, than is due shows it."""
    coverage, seconds = _fact(mark, "coverage"), Decimal(_fact(mark, "seconds"))
    if coverage == "throughout":
        return ""
    if wanted.duration == "throughout":
        return f"The label does not stand throughout, but for {seconds} s."
    if seconds < wanted.seconds:
        return f"The label stands for {seconds} s at a time; {wanted.seconds} s are due."
    if wanted.duration == "interval":
        if coverage != "interval":
            return "The label stands at the beginning only; it is due again and again."
        if (every := int(_fact(mark, "every"))) > wanted.every:
            return f"The label comes back every {every} s; every {wanted.every} s is due."
    return ""


def _missing(kind: MarkKind, marks: Sequence[Mark]) -> str:
    return "" if _present(kind, marks) else _detail(kind, marks)


def _detail(kind: MarkKind, marks: Sequence[Mark], form: str = "") -> str:
    """What a reader, or the writer, said about a mark that isn't there."""
    for mark in marks:
        if mark.kind == kind and mark.state != "present" and form in ("", _fact(mark, "form")):
            return mark.detail or "Not found in the delivered file."
    return "Not found in the delivered file."


def _present(kind: MarkKind, marks: Sequence[Mark], form: str = "") -> list[Mark]:
    return [
        mark
        for mark in marks
        if (mark.kind, mark.state) == (kind, "present") and form in ("", _fact(mark, "form"))
    ]


def _fact(mark: Mark, name: str) -> str:
    return dict(mark.facts).get(name, "")


JUDGES: dict[str, Callable[[Mapping[str, Any], Sequence[Mark]], str]] = {
    "mark.signed_metadata": _signed_metadata,
    "mark.time_stamp": _time_stamp,
    "mark.watermark": _watermark,
    "metadata.aigc": _aigc,
    "label.audible": _audible,
    "label.visible": _visible,
}
