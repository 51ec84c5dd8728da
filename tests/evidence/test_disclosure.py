"""Salted digests of personal data, as RFC 9901 computes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import disclosure
from governance.evidence.encoding import decode64url, encode64url
from governance.evidence.errors import EvidenceError

# RFC 9901, section 4.2.
SALT = decode64url("_26bc4LT-ac6q2KI6cBW5es", "salt")
TEXT = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
DIGEST = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_the_example_of_the_rfc_is_reproduced_byte_for_byte() -> None:
    made = disclosure.disclose("family_name", "Möbius", SALT)
    assert (made.text, made.digest) == (TEXT, DIGEST)


def test_the_example_of_the_rfc_is_opened() -> None:
    opened = disclosure.parse(TEXT)
    assert (opened.name, opened.value, opened.digest) == ("family_name", "Möbius", DIGEST)


@given(st.text(), values, st.binary(min_size=16, max_size=16))
def test_what_was_closed_can_be_opened(name: str, value: Any, salt: bytes) -> None:
    made = disclosure.disclose(name, value, salt)
    assert disclosure.parse(made.text) == made


def test_equal_values_have_digests_that_tell_nothing() -> None:
    first, second = (disclosure.disclose("prompt", "a sea", bytes([n]) * 16) for n in (1, 2))
    assert first.digest != second.digest


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'["salt","value"]', b'["salt",1,"value"]', b'["s","n","v","x"]', b"[", b"\xff"],
)
def test_what_is_not_a_disclosure_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        disclosure.parse(encode64url(content))
    assert caught.value.code in {"disclosure_invalid", "json_invalid"}


@pytest.mark.parametrize("text", [TEXT + "=", TEXT[:-1] + "1", TEXT + "\n", "é"])
def test_a_disclosure_has_one_spelling(text: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        disclosure.parse(text)
    assert caught.value.code == "base64_invalid"
