"""Laws of the verifier, tried on many requests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from freezegun import freeze_time
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.evidence.signature_base import MAX_LIFETIME
from governance.identity.request_signature import ReceivedRequest
from governance.kernel.errors import Unauthenticated
from tests.identity import strict_library
from tests.identity.forging import AGENT, BODY, JSON, Draft, body_digest, check, keyid, received

NOW = datetime(2026, 11, 22, 11, 12, 5, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    with freeze_time(NOW):
        yield


def library_accepts(request: ReceivedRequest, body: bytes) -> bool:
    return strict_library.accepts(request, body, {keyid(): bytes(AGENT.verify_key)})


def we_accept(request: ReceivedRequest) -> bool:
    try:
        return check(request) is not None
    except Unauthenticated:
        return False


VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
ORIGINAL = Draft(
    headers=(
        JSON,
        ("Idempotency-Key", "order-7"),
        ("Gov-Delegation", "eyJhIjoxfQ"),
        ("X-Governance-Deep-Fake", "yes"),
    )
)


@st.composite
def changed(draw: st.DrawFn) -> tuple[ReceivedRequest, bytes]:
    """The signed request with one covered part changed after signing; and its body."""
    request = ORIGINAL.sign()
    body = BODY
    part = draw(st.sampled_from(["method", "path", "query", "body", "header", "drop"]))
    if part == "method":
        other = draw(st.sampled_from(["GET", "PUT", "PATCH", "DELETE", "post", "POST "]))
        return replace(request, method=other), body
    if part in ("path", "query"):
        text = draw(VISIBLE.filter(lambda t: "?" not in t and "#" not in t))
        if part == "path":
            return replace(request, path=f"/{text}"), body
        return replace(request, query=text), body
    if part == "body":
        body = draw(st.binary(max_size=60).filter(lambda b: b != BODY))
        return replace(request, body_sha256=body_digest(body)), body
    index = draw(st.integers(0, len(ORIGINAL.headers)))  # the covered ones come first
    name, value = request.headers[index]
    kept = [*request.headers[:index], *request.headers[index + 1 :]]
    if part == "header":
        kept.append((name, draw(VISIBLE.filter(lambda t: t != value))))
    return replace(request, headers=tuple(kept)), body


@settings(max_examples=400, deadline=None)
@given(changed())
def test_no_change_to_a_covered_part_is_accepted(case: tuple[ReceivedRequest, bytes]) -> None:
    request, _ = case
    assert not we_accept(request)


@st.composite
def garbled(draw: st.DrawFn) -> ReceivedRequest:
    """The signed request with a few letters of its signature headers changed."""
    headers = [list(pair) for pair in ORIGINAL.sign().headers]
    for _ in range(draw(st.integers(1, 3))):
        line = draw(st.sampled_from([pair for pair in headers if "signature" in pair[0].lower()]))
        at = draw(st.integers(0, len(line[1])))
        cut = draw(st.integers(0, 4))
        line[1] = line[1][:at] + draw(st.text(max_size=4)) + line[1][at + cut :]
    return replace(ORIGINAL.sign(), headers=tuple((name, value) for name, value in headers))


@settings(max_examples=600, deadline=None)
@given(garbled())
def test_whatever_is_accepted_is_exactly_what_was_signed(request: ReceivedRequest) -> None:
    original = check(ORIGINAL.sign())
    try:
        accepted = check(request)
    except Unauthenticated:
        return
    assert accepted in (None, original)


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=VISIBLE.filter(lambda text: not set(text) & set('?#%[]\\^`{}|"<>')),
    query=VISIBLE.filter(lambda text: not set(text) & set('#%[]\\^`{}|"<>')),
    body=st.binary(max_size=200),
    lifetime=st.integers(1, MAX_LIFETIME),
)
def test_honest_requests_are_accepted_by_both(
    method: str, path: str, query: str, body: bytes, lifetime: int
) -> None:
    expires = int(NOW.timestamp()) + lifetime
    draft = Draft(method, path=f"/{path}", query=query, body=body)
    request = replace(draft, parameters={"expires": str(expires)}).sign()
    assert we_accept(request)
    assert library_accepts(request, body)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Signature-Input", "Signature", "Content-Digest", "Cookie"]),
            st.one_of(
                st.text(max_size=60), VISIBLE.map('gov=("@method");tag="gov-agent-v1";{}'.format)
            ),
        ),
        max_size=6,
    )
)
def test_noise_is_refused_or_ignored_never_a_crash(headers: list[tuple[str, str]]) -> None:
    assert not we_accept(received(Draft(), headers))
