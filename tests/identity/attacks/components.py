"""Attacks on what a signature covers, and on how the two headers are written."""

from collections.abc import Callable

from tests.identity.attacks.stage import COVERAGE, INVALID, MALFORMED, Attack, Stage, Wire

COVERED = (
    '"@method"',
    '"@authority"',
    '"@path"',
    '"@query"',
    '"content-type"',
    '"content-digest"',
)
HEADER_X = "X-Governance-Project"


def covers(*changes: tuple[str, str]) -> Callable[[Stage], Wire]:
    """Signed over the right components, of which some are replaced by others."""
    other = dict(changes)
    names = [other.get(name, name) for name in COVERED]
    return lambda stage: stage.covers(*(name for name in names if name))


def also(*names: str) -> Callable[[Stage], Wire]:
    return lambda stage: stage.covers(*COVERED, *names)


def lacks(name: str) -> Attack:
    return covers((name, "")), COVERAGE


def with_parameter(name: str, parameter: str) -> Attack:
    return covers((name, f"{name};{parameter}")), MALFORMED


def uncovered(name: str, value: str) -> Attack:
    """A header that somebody put in after signing."""
    return lambda stage: stage.sign().adding((name, value)), COVERAGE


COVERAGE_OF: dict[str, Attack] = {
    "a method that is not covered": lacks('"@method"'),
    "a service that is not covered": lacks('"@authority"'),
    "a path that is not covered": lacks('"@path"'),
    "a query that is not covered": lacks('"@query"'),
    "a content type that is not covered": lacks('"content-type"'),
    "a body that is not covered": lacks('"content-digest"'),
    "nothing covered": (lambda s: s.covers(), COVERAGE),
    "the target instead of its parts": (
        covers(('"@path"', '"@target-uri"'), ('"@query"', "")),
        COVERAGE,
    ),
    "the request line's target instead of the path": (
        covers(('"@path"', '"@request-target"')),
        COVERAGE,
    ),
    "one argument of the query instead of all": (
        covers(('"@query"', '"@query-param";name="trace"')),
        MALFORMED,
    ),
    "the scheme on top": (also('"@scheme"'), COVERAGE),
    "a status on top": (also('"@status"'), COVERAGE),
    "the parameters as a component": (also('"@signature-params"'), COVERAGE),
    "the host's header instead of the service's name": (
        covers(('"@authority"', '"host"')),
        COVERAGE,
    ),
    "a signature that covers a signature": (also('"signature-input"'), COVERAGE),
    "a component in capitals": (covers(('"content-type"', '"Content-Type"')), COVERAGE),
    "a derived component in capitals": (covers(('"@method"', '"@METHOD"')), COVERAGE),
    "a component that does not exist": (also('"@everything"'), COVERAGE),
    "a component twice": (also('"@path"'), COVERAGE),
    "a component twice in place of another": (covers(('"@query"', '"@path"')), COVERAGE),
    "a component as a token": (covers(('"content-type"', "content-type")), MALFORMED),
    "a component as bytes": (also(":QHBhdGg=:"), MALFORMED),
    "a component as a number": (also("1"), MALFORMED),
    "an empty component": (also('""'), COVERAGE),
    "the strict form of a field": with_parameter('"content-type"', "sf"),
    "the wrapped form of a field": with_parameter('"content-type"', "bs"),
    "a field of the trailers": with_parameter('"content-digest"', "tr"),
    "a component of another request": with_parameter('"@path"', "req"),
    "one member of the digest": with_parameter('"content-digest"', 'key="sha-256"'),
    "a component under a false flag": with_parameter('"@path"', "req=?0"),
    "a component plain and with a parameter": (
        also('"content-digest";key="sha-256"'),
        MALFORMED,
    ),
    "components in another order than signed": (
        lambda s: s.sign().rewriting(
            "signature-input",
            lambda v: v.replace('"@method" "@authority"', '"@authority" "@method"'),
        ),
        INVALID,
    ),
    "a component taken out after signing": (
        lambda s: s.sign().rewriting("signature-input", lambda v: v.replace(' "@query"', "")),
        COVERAGE,
    ),
    "a delegation that is not covered": uncovered("Gov-Delegation", "eyJhIjoxfQ"),
    "an idempotency key that is not covered": uncovered("Idempotency-Key", "order-8"),
    "an encoding that is not covered": uncovered("Content-Encoding", "gzip"),
    "no encoding, said aloud": uncovered("Content-Encoding", "identity"),
    "a statement to policy that is not covered": uncovered("X-Governance-Deep-Fake", "no"),
    "an empty statement to policy": uncovered(HEADER_X, ""),
    "a statement in capitals": uncovered("X-GOVERNANCE-REAL-PERSON", "no"),
    "a credential that is not covered": uncovered("Authorization", "Bearer x"),
    "a covered field taken away": (
        lambda s: s.sign(headers=(*s.headers, (HEADER_X, "launch"))).without(HEADER_X.lower()),
        COVERAGE,
    ),
    "a covered field exchanged": (
        lambda s: s.sign(headers=(*s.headers, (HEADER_X, "launch"))).saying(HEADER_X, "spring"),
        INVALID,
    ),
}


def repeats(name: str, value: str, again: str) -> Attack:
    """A covered field in two lines, of which a reader may take either."""
    return (
        lambda s: s.sign(headers=(*s.headers, (name, value))).adding((name.lower(), again)),
        MALFORMED,
    )


REPEATED: dict[str, Attack] = {
    "two content types": (lambda s: s.sign().adding(("content-type", "text/plain")), MALFORMED),
    "one content type twice": (lambda s: s.sign().adding(s.headers[0]), MALFORMED),
    "two digests in two lines": (
        lambda s: s.sign().adding(("content-digest", "sha-256=:AA==:")),
        MALFORMED,
    ),
    "two idempotency keys": repeats("Idempotency-Key", "a", "b"),
    "two delegations": repeats("Gov-Delegation", "eyJ", "eyK"),
    "two statements to policy": repeats(HEADER_X, "launch", "spring"),
    "two lines as one value": (
        lambda s: (
            s.sign(headers=(*s.headers, (HEADER_X, "a, b")))
            .without(HEADER_X.lower())
            .adding((HEADER_X, "a"), (HEADER_X, "b"))
        ),
        MALFORMED,
    ),
}


def rewritten(name: str, old: str, new: str) -> Attack:
    return lambda s: s.sign().rewriting(name, lambda v: v.replace(old, new, 1)), MALFORMED


def twins(stage: Stage) -> Wire:
    """Two signatures of ours, each of which would hold."""
    second = stage.sign(label="again")
    return stage.sign().adding(
        ("Signature-Input", second.header("signature-input")),
        ("Signature", second.header("signature")),
    )


def swapped(stage: Stage) -> Wire:
    """Our signature under a foreign label, the foreign one under ours."""
    wire = stage.sign()
    ours = wire.header("signature").partition("=")[2]
    return wire.adding(("Signature-Input", 'edge=("@method");tag="edge"')).saying(
        "signature", f"gov=:AA==:, edge={ours}"
    )


INPUT, SIGNATURE = "signature-input", "signature"
SPELLING: dict[str, Attack] = {
    "two signatures of ours": (twins, MALFORMED),
    "a foreign signature in the place of ours": (swapped, INVALID),
    "a foreign signature that is half there": (
        lambda s: s.sign().adding(("Signature", "edge=:AA==:")),
        MALFORMED,
    ),
    "a foreign claim without a signature": (
        lambda s: s.sign().adding(("Signature-Input", 'edge=("@method");tag="edge"')),
        MALFORMED,
    ),
    "one label in two lines": (
        lambda s: (w := s.sign()).adding(("Signature-Input", w.header(INPUT))),
        MALFORMED,
    ),
    "two signatures under one label": (
        lambda s: s.sign().adding(("Signature", "gov=:AA==:")),
        MALFORMED,
    ),
    "one label in two members": (
        lambda s: s.sign().rewriting(INPUT, lambda v: f"{v}, {v}"),
        MALFORMED,
    ),
    "a claim without a signature": (lambda s: s.sign().without(SIGNATURE), MALFORMED),
    "a signature under another label": rewritten(SIGNATURE, "gov=", "vog="),
    "a label in capitals": rewritten(INPUT, "gov=", "Gov="),
    "two spaces between components": rewritten(INPUT, '" "', '"  "'),
    "a tab between components": rewritten(INPUT, '" "', '"\t"'),
    "a space before a parameter": rewritten(INPUT, ";nonce", "; nonce"),
    "a space within the list": rewritten(INPUT, '("', '( "'),
    "a comma at the end": (lambda s: s.sign().rewriting(INPUT, lambda v: v + ","), MALFORMED),
    "an unclosed list": rewritten(INPUT, ")", ""),
    "a list in a list": rewritten(INPUT, '"@path"', '("@path")'),
    "a claim that is no list": (
        lambda s: s.sign().saying("Signature-Input", 'gov=1;tag="gov-agent-v1"'),
        MALFORMED,
    ),
    "a claim that is a flag": (
        lambda s: s.sign().saying("Signature-Input", 'gov;tag="gov-agent-v1"'),
        MALFORMED,
    ),
    "a claim beyond ASCII": rewritten(INPUT, '"@path"', '"@päth"'),
    "a claim without end": (
        lambda s: s.sign().adding(("Signature-Input", ", ".join(f"a{n}=1" for n in range(900)))),
        MALFORMED,
    ),
    "a signature without end": (
        lambda s: s.sign().saying("Signature", f"gov=:{'A' * 6000}:"),
        MALFORMED,
    ),
    "a thousand signatures": (
        lambda s: s.sign().adding(
            *(("Signature-Input", f's{n}=("@method");tag="edge"') for n in range(80)),
            *(("Signature", f"s{n}=:AA==:") for n in range(80)),
            *(("Signature-Input", f's{n}=("@path");tag="edge"') for n in range(80, 140)),
        ),
        MALFORMED,
    ),
}

COMPONENTS: dict[str, Attack] = {**COVERAGE_OF, **REPEATED, **SPELLING}
