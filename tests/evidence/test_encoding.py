"""One spelling each: JSON, base64 and base64url in any other form are refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import encoding
from governance.evidence.errors import EvidenceError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_canonical_json_is_what_the_standard_library_writes_sorted_and_without_spaces(
    value: Any,
) -> None:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert encoding.serialise(value) == text.encode()
    assert encoding.parse_canonical(text.encode(), "it") == value
    assert encoding.parse_json(text.encode(), "it") == value


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":"\\u0061"}',
        b'{"a":1e0}',
        b'{"a":-0}',
        b'{"a":18446744073709551616}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_json_in_another_spelling_is_not_canonical(data: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        encoding.parse_canonical(data, "it")
    assert caught.value.code == "json_invalid"


NOT_JSON = [
    b"",
    b"{",
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'"\xff"',
    b"[" * 100_000,
]


@pytest.mark.parametrize("data", [*NOT_JSON, b"[" * 300 + b"]" * 300, b'"\\ud800"'])
def test_what_is_not_json_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"^It is not") as caught:
        encoding.parse_canonical(data, "It")
    assert caught.value.code == "json_invalid"


@pytest.mark.parametrize("data", [*NOT_JSON, b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}'])
def test_json_with_spaces_may_be_read_but_no_repeated_key(data: bytes) -> None:
    assert encoding.parse_json(b'{"a": [1, 2]}', "It") == {"a": [1, 2]}
    with pytest.raises(EvidenceError) as caught:
        encoding.parse_json(data, "It")
    assert caught.value.code == "json_invalid"


@given(st.binary())
def test_base64_returns_the_bytes(data: bytes) -> None:
    assert encoding.decode64(encoding.encode64(data), "it") == data
    assert encoding.decode64url(encoding.encode64url(data), "it") == data


@pytest.mark.parametrize(
    "text",
    ["YQ", "YQ=", "YQ===", "YR==", "YQ==\n", " YQ==", "Y Q==", "YQ==YQ==", "_-==", "é", "YWI"],
)
def test_base64_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        encoding.decode64(text, "it")
    assert caught.value.code == "base64_invalid"


@pytest.mark.parametrize("text", ["YQ==", "YR", "Y", "+/8", "YQ\n", " YQ", "é", "Y-Q*"])
def test_base64url_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        encoding.decode64url(text, "it")
    assert caught.value.code == "base64_invalid"
