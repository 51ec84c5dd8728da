"""The key manifest: a chain from the pinned root, each version signed by the root before it."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import envelope, manifest
from governance.evidence.encoding import encode64, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.keys import SeedSigner
from governance.evidence.manifest import Grant
from tests.evidence.samples import LOG, ORIGIN, RECORD, ROOT, STRANGER, grants

NEXT_ROOT = SeedSigner.from_seed(b"next root" + bytes(23))
FIRST = manifest.seal(1, "", ORIGIN, grants(), ROOT)
WRONG: list[dict[str, Any]] = [
    {"role": "witness"},
    {"role": []},
    {"keyid": LOG.keyid},
    {"public": 5},
    {"public": "AAAA"},
    {"public": "*"},
    {"first": "0"},
    {"last": "9"},
]
ENTRY: dict[str, Any] = {
    "role": "root",
    "keyid": ROOT.keyid,
    "public": "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
    "first": 0,
    "last": None,
}


def following(
    before: bytes,
    *,
    version: int = 2,
    prev: str | None = None,
    root: SeedSigner = ROOT,
    keys: list[Grant] | None = None,
) -> bytes:
    """The version after `before`, right unless told otherwise."""
    digest = sha256(before).hexdigest() if prev is None else prev
    return manifest.seal(version, digest, ORIGIN, keys or grants(), root)


def with_root(root: SeedSigner) -> list[Grant]:
    return [Grant("root", root.public), *grants()[1:]]


def verify(*lines: bytes, root: str = ROOT.keyid) -> manifest.Manifest:
    return manifest.verify(b"".join(line + b"\n" for line in lines), root)


def refused(*lines: bytes, root: str = ROOT.keyid) -> str:
    with pytest.raises(EvidenceError) as caught:
        verify(*lines, root=root)
    return caught.value.code


def test_the_first_version_is_believed_because_its_root_is_pinned() -> None:
    found = verify(FIRST)
    assert (found.version, found.origin, len(found.grants)) == (1, ORIGIN, 3)
    assert found.digest == sha256(FIRST).hexdigest()


def test_another_pinned_root_is_a_forgery_or_another_service() -> None:
    assert refused(FIRST, root=STRANGER.keyid) == "root_mismatch"
    assert refused(FIRST, root="") == "root_mismatch"


def test_a_root_that_is_named_but_did_not_sign_is_not_enough() -> None:
    both = [*grants(), Grant("root", STRANGER.public)]
    signed_by_the_other = manifest.seal(1, "", ORIGIN, both, STRANGER)
    assert refused(signed_by_the_other) == "manifest_invalid"


def test_a_key_of_another_role_is_no_root() -> None:
    assert refused(FIRST, root=RECORD.keyid) == "root_mismatch"
    assert refused(FIRST, following(FIRST, root=RECORD)) == "manifest_invalid"


def test_the_second_version_is_signed_by_the_root_of_the_first() -> None:
    assert verify(FIRST, following(FIRST)).version == 2


def test_the_root_can_be_replaced_and_the_old_one_is_worth_nothing_afterwards() -> None:
    second = following(FIRST, keys=with_root(NEXT_ROOT))
    third = following(second, version=3, root=NEXT_ROOT, keys=with_root(NEXT_ROOT))
    assert verify(FIRST, second, third).version == 3
    assert refused(FIRST, second, following(second, version=3, root=ROOT)) == "manifest_invalid"


def test_a_new_root_cannot_introduce_itself() -> None:
    second = following(FIRST, root=NEXT_ROOT, keys=with_root(NEXT_ROOT))
    assert refused(FIRST, second) == "manifest_invalid"


@pytest.mark.parametrize("version", [0, 1, 3])
def test_versions_count_up_by_one(version: int) -> None:
    assert refused(FIRST, following(FIRST, version=version)) == "manifest_invalid"


def test_the_chain_begins_with_version_one() -> None:
    assert refused(manifest.seal(2, "", ORIGIN, grants(), ROOT)) == "manifest_invalid"
    assert refused(manifest.seal(1, "0" * 64, ORIGIN, grants(), ROOT)) == "manifest_invalid"


@pytest.mark.parametrize("prev", ["", "0" * 64])
def test_a_version_names_the_one_before_it(prev: str) -> None:
    assert refused(FIRST, following(FIRST, prev=prev)) == "manifest_invalid"


def test_no_version_can_be_left_out_or_moved() -> None:
    second = following(FIRST)
    third = following(second, version=3)
    assert verify(FIRST, second, third).version == 3
    assert refused(FIRST, third) == "manifest_invalid"
    assert refused(second, third) == "manifest_invalid"
    assert refused(FIRST, third, second) == "manifest_invalid"
    assert refused(FIRST, second, second) == "manifest_invalid"


def test_a_manifest_signed_by_the_right_name_with_the_wrong_key_is_refused() -> None:
    right = envelope.open_line(FIRST, "it")
    wrong = STRANGER.sign(envelope.pae(right.payload_type, right.payload))
    forged = FIRST.replace(encode64(right.signature).encode(), encode64(wrong).encode())
    assert refused(forged) == "signature_invalid"


@pytest.mark.parametrize("chain", [b"", b"\n", FIRST, FIRST + b"\n\n", b"\n" + FIRST + b"\n"])
def test_an_empty_or_truncated_chain_is_refused(chain: bytes) -> None:
    with pytest.raises(EvidenceError):
        manifest.verify(chain, ROOT.keyid)


def test_a_statement_of_another_type_is_no_manifest() -> None:
    payload = envelope.open_line(FIRST, "it").payload
    assert refused(envelope.seal(payload, "text/plain", ROOT)) == "manifest_invalid"


@pytest.mark.parametrize(
    "payload",
    [
        [],
        None,
        {},
        {"keys": [], "origin": ORIGIN, "prev": ""},
        {"keys": {"a": 1}, "origin": ORIGIN, "prev": "", "version": 1},
        {"keys": [], "origin": ORIGIN, "prev": "", "version": "one"},
        *(
            {"keys": [{**ENTRY, **wrong}], "origin": ORIGIN, "prev": "", "version": 1}
            for wrong in WRONG
        ),
    ],
)
def test_a_manifest_of_another_shape_is_refused_though_the_root_signed_it(payload: Any) -> None:
    line = envelope.seal(serialise(payload), manifest.PAYLOAD_TYPE, ROOT)
    assert refused(line) in {"manifest_invalid", "base64_invalid"}


@given(st.binary(), st.text(max_size=10))
def test_no_bytes_at_all_make_the_parser_fail_otherwise(chain: bytes, root: str) -> None:
    with pytest.raises(EvidenceError):
        manifest.verify(chain, root)


def test_a_key_signs_from_its_first_to_its_last_index_and_nothing_else() -> None:
    keys = [
        Grant("root", ROOT.public),
        Grant("record", RECORD.public, 10, 19),
        Grant("record", STRANGER.public, 20),
        Grant("log", LOG.public, 0, 19),
        Grant("log", STRANGER.public, 20),
    ]
    found = verify(manifest.seal(1, "", ORIGIN, keys, ROOT))
    assert found.key("record", RECORD.keyid, 10, "it") == RECORD.public
    assert found.key("record", RECORD.keyid, 19, "it") == RECORD.public
    assert found.key("record", STRANGER.keyid, 10**9, "it") == STRANGER.public
    assert (found.log_key(19), found.log_key(20)) == (LOG.public, STRANGER.public)
    for role, keyid, index in (
        ("record", RECORD.keyid, 9),
        ("record", RECORD.keyid, 20),
        ("record", LOG.keyid, 10),
        ("log", RECORD.keyid, 10),
        ("record", "SHA256:unknown", 10),
    ):
        with pytest.raises(EvidenceError, match="does not grant") as caught:
            found.key(role, keyid, index, "It")  # type: ignore[arg-type]
        assert caught.value.code == "key_not_granted"


def test_a_log_without_a_key_for_this_size_signs_nothing() -> None:
    found = verify(manifest.seal(1, "", ORIGIN, [*grants()[:2], Grant("log", LOG.public, 5)], ROOT))
    with pytest.raises(EvidenceError) as caught:
        found.log_key(4)
    assert caught.value.code == "key_not_granted"
