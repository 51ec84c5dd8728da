"""One decision in plain sentences, to be read aloud. Pure: everything comes from its record."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

Body = dict[str, Any]
_NOTHING: Mapping[str, str] = {}

_WHO = {"agent": "The agent", "service": "The service", "person": "The person"}
_ANSWERS = {
    "permit": "It was permitted.",
    "review": "It was permitted on condition that people look at the result before its release.",
    "deny": "It was refused.",
}
_DOES = {
    "permit": "applied",
    "review": "applied and asks for people to look at the result",
    "deny": "applied and forbids it",
}
_MODES = ("enforce", "waived", "observe")
_LEVELS = {"law": "The law", "code": "The code of practice", "house": "The house rule"}
_SEVERITIES = {"info": "a remark", "warn": "doubtful", "fail": "not acceptable"}
_CONSENTS = {
    "valid": "covers this use",
    "missing": "is not in the register",
    "expired": "has expired",
    "withdrawn": "was withdrawn",
    "out_of_scope": "does not cover this use",
}
# What the requester was asked, as the three answers are told.
_QUESTIONS = {
    "deep_fake": ("that it is a deep fake", "that it is no deep fake", "whether it is a deep fake"),
    "real_person": (
        "that an identifiable person is shown",
        "that no identifiable person is shown",
        "whether it shows an identifiable person",
    ),
    "artistic": (
        "that it is evidently art, satire or fiction",
        "that it is not evidently art, satire or fiction",
        "whether it is evidently art, satire or fiction",
    ),
    "synthetic_performer": (
        "that a generated performer looks like a person",
        "that no generated performer looks like a person",
        "whether it shows a generated performer",
    ),
}
_CORNERS = {
    "top_right": "top right",
    "top_left": "top left",
    "bottom_right": "bottom right",
    "bottom_left": "bottom left",
}


def sentences(
    decision: Body, request: Body | None = None, places: Mapping[str, str] = _NOTHING
) -> list[str]:
    """The body of a `policy.decided` record, told: who asked what, what came of it, and why.

    request: the body of the record that the generation began with, where it is known; places:
    names of territories by code.
    """
    facts = decision["input"]
    return [
        *_asked(facts, places),
        *_authority(facts, decision["authorization"], request),
        *_said(facts["declared"]),
        *_consent(facts, request),
        *_seen(facts),
        _ANSWERS[decision["effect"]],
        *(_rule(rule) for rule in sorted(decision["rules"], key=_weight)),
        *_no_rule(decision["rules"]),
        *(_duty(duty) for duty in decision["duties"]),
        *_unassessed(decision["not_assessed"], places),
    ]


def _asked(facts: Body, places: Mapping[str, str]) -> Iterator[str]:
    what = _what(facts)
    day = _day(facts["date"])
    project = f"in the project “{facts['project']}” of “{facts['organisation']}”"
    if facts["stage"] == "output":
        yield f"On {day} the finished file was looked at: {what} {project}."
    else:
        verb = "bring in" if facts["action"] == "asset.import" else "generate"
        caller = facts["principal"]
        yield f"{_WHO[caller['kind']]} {caller['id']} asked on {day} to {verb} {what} {project}."
    purpose = "a final result" if facts["purpose"] == "final" else "an intermediate result"
    audience = "the public" if facts["audience"] == "public" else "internal use"
    shown = _list(places.get(code, code) for code in facts["territories"])
    sector = facts["sector"]
    yield f"It is meant as {purpose} for {audience}, sector {sector}. Where it is shown: {shown}."
    if facts["model"]["id"]:
        yield f"The model is {facts['model']['id']}."
    if facts["quote"]:
        yield f"It was to cost {facts['quote']['amount']} {facts['quote']['currency']}."


def _what(facts: Body) -> str:
    article = "an" if facts["media"] in ("image", "audio") else "a"
    noun = "audio clip" if facts["media"] == "audio" else facts["media"]
    length = f" of {_count(facts['seconds'], 'second')}" if facts["seconds"] else ""
    size = f", {facts['width']} by {facts['height']} pixels," if facts["width"] else ""
    return f"{article} {noun}{length}{size}"


def _authority(facts: Body, allowed: Body, request: Body | None) -> Iterator[str]:
    caller = facts["principal"]
    if caller["kind"] != "person":
        answers = caller["accountable"]
        yield f"{answers} answers for it." if answers else "Nobody answers for it."
    if caller["chain_length"] > 2:
        yield f"The request was handed down through {caller['chain_length']} hands."
    mandate = (request or {}).get("principal", {}).get("mandate")
    if mandate:
        yield f"It acted under a mandate of {_count(len(mandate), 'step')}."
    roles = [role.removeprefix("role:").replace("_", " ") for role in allowed["roles"]]
    if roles:
        yield f"It was entitled to ask by the role{'s' if len(roles) > 1 else ''} {_list(roles)}."


def _said(declared: Body) -> Iterator[str]:
    said = [
        _QUESTIONS[name][0 if answer == "yes" else 1]
        for name, answer in declared.items()
        if name in _QUESTIONS and answer != "unknown"
    ]
    unknown = [
        _QUESTIONS[name][2]
        for name, answer in declared.items()
        if name in _QUESTIONS and answer == "unknown"
    ]
    if said:
        yield f"The requester said {_list(said)}."
    if unknown:
        yield f"Nobody has said {_list(unknown, 'or')}; the stricter answer counts."
    if declared.get("depicts"):
        yield f"Something that exists is resembled: {_list(declared['depicts'])}."


def _consent(facts: Body, request: Body | None) -> Iterator[str]:
    state = facts.get("consent")
    if state is None:
        return
    if facts["declared"]["consent"]:
        named = (request or {}).get("declaration", {}).get("consent") or "that was named"
        yield f"The consent {named} {_CONSENTS[state]}."
    elif facts["declared"]["real_person"] == "yes":
        yield "No consent was named."


def _seen(facts: Body) -> Iterator[str]:
    for where, name in (("prompt", "prompt_findings"), ("file", "output_findings")):
        found = [f"{_plain(f['code'])} ({_SEVERITIES[f['severity']]})" for f in facts[name]]
        if found:
            yield f"Automated review of the {where} reported {_list(found)}."
    unseen = facts.get("not_checked")
    if unseen:
        yield f"Nothing in the file was searched for {_list(map(_plain, unseen), 'or')}."


def _weight(rule: Body) -> tuple[int, int]:
    """What decided comes first."""
    return _MODES.index(rule["mode"]), -list(_DOES).index(rule["effect"])


def _rule(rule: Body) -> str:
    subject = f"{_LEVELS[rule['level']]} ({rule['cites']})"
    if rule["mode"] == "observe":
        return f"{subject} is only observed here and changed nothing: {rule['because']}"
    if rule["mode"] == "waived":
        waiver = rule.get("waiver", "an exception")
        return f"{subject} was lifted by the waiver {waiver} and changed nothing: {rule['because']}"
    return f"{subject} {_DOES[rule['effect']]}: {rule['because']}"


def _no_rule(rules: list[Body]) -> Iterator[str]:
    if not rules:
        yield "No rule had anything to say about it."


def _duty(duty: Body) -> str:
    what = _DUTIES.get(duty["kind"], lambda _: f"“{duty['kind']}” must be met")(duty["parameters"])
    rules = _list(duty["rules"])
    if duty["mode"] == "observe":
        return f"Only observed, so not required here: {what} ({rules})."
    return f"Required: {what} ({rules})."


def _label(parameters: Body) -> str:
    wording = parameters.get("wording", "AI GENERATED")
    corner = _CORNERS.get(parameters.get("placement", ""), "visible")
    height = parameters.get("height")
    size = f", {_permille(height)} of the shorter side high" if height else ""
    when = _WHEN[parameters.get("duration", "throughout")]
    return f"the label “{wording}” stands in the picture, {corner}{size}, {when}"


def _voice(parameters: Mapping[str, Any]) -> str:
    languages = " and ".join(parameters.get("language", "en").split())
    return f"a voice says at the beginning, in {languages}, that it was made by AI"


_WHEN = {
    "opening": "at the beginning",
    "interval": "at the beginning and again at intervals",
    "throughout": "all the time it is shown",
}
_DUTIES: Mapping[str, Any] = {
    "mark.signed_metadata": lambda _: "the file carries signed data that says how it was made",
    "mark.time_stamp": lambda _: "a time stamp authority vouches for when the file was marked",
    "mark.watermark": lambda _: "the file carries a watermark that people do not notice",
    "label.visible": _label,
    "label.audible": _voice,
    "metadata.aigc": lambda _: "the file carries the data field that China asks for",
    "review.people": lambda p: (
        f"{_count(p['count'], 'person', 'people')} approve the finished file"
        if p["count"] > 1
        else "one person approves the finished file"
    ),
    "approval.before_spend": lambda _: "a person approves before money is spent",
    "consent.reference": lambda _: "the consent of the person shown is in the register and valid",
    "retain.records": lambda p: f"the records are kept for {_count(p['months'], 'month')}",
}


def _unassessed(codes: Iterable[str], places: Mapping[str, str]) -> Iterator[str]:
    for code in codes:
        yield (
            f"For {places.get(code, code)} no rules are known here, so nothing was assessed for it."
        )


def _day(day: str) -> str:
    parsed = date.fromisoformat(day)
    return f"{parsed.day} {parsed:%B %Y}"


def _permille(value: int) -> str:
    return f"{value // 10}.{value % 10} %" if value % 10 else f"{value // 10} %"


def _plain(code: str) -> str:
    return code.replace("_", " ")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _list(items: Iterable[str], last: str = "and") -> str:
    said = list(items)
    if len(said) < 2:
        return "".join(said)
    return f"{', '.join(said[:-1])} {last} {said[-1]}"
