"""Checkpoints: signed notes as other programs write and read them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import checkpoint, keys
from governance.evidence.errors import EvidenceError
from tests.evidence.samples import LOG, ORIGIN, STRANGER

HEAD = checkpoint.Checkpoint(ORIGIN, 42, bytes(range(32)))
NOTE = checkpoint.sign(HEAD, LOG)

# The example of Go's package golang.org/x/mod/sumdb/note.
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of https://c2sp.org/tlog-checkpoint.
C2SP_NOTE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcy"
    "v2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def refused(note: bytes, origin: str = ORIGIN, public: bytes = LOG.public) -> str:
    with pytest.raises(EvidenceError) as caught:
        checkpoint.verify(note, origin, public)
    return caught.value.code


def test_a_verifier_key_is_the_one_that_go_derives() -> None:
    signer = keys.SeedSigner.from_seed(GO_SEED)
    assert checkpoint.verifier_key("PeterNeumann", signer.public) == GO_VKEY


def test_a_signature_is_the_one_that_go_makes() -> None:
    signer = keys.SeedSigner.from_seed(GO_SEED)
    raw = checkpoint.signature_of(GO_NOTE.encode(), "PeterNeumann")
    assert signer.sign(GO_TEXT.encode()) == raw
    assert keys.verify(signer.public, raw, GO_TEXT.encode())


def test_the_specifications_example_is_read() -> None:
    head = checkpoint.parse(C2SP_NOTE.encode())
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert head.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")


@given(st.integers(0, 10**18 - 1), st.binary(min_size=32, max_size=32))
def test_what_the_log_signed_verifies(size: int, root: bytes) -> None:
    head = checkpoint.Checkpoint(ORIGIN, size, root)
    assert checkpoint.verify(checkpoint.sign(head, LOG), ORIGIN, LOG.public) == head


def test_a_witness_may_co_sign() -> None:
    witness = "— witness.example " + base64.b64encode(b"key hash and signature").decode() + "\n"
    assert checkpoint.verify(NOTE + witness.encode(), ORIGIN, LOG.public) == HEAD


def test_one_wrong_signature_of_the_log_beside_a_right_one_is_refused() -> None:
    line = NOTE.decode().splitlines()[-1]
    right = base64.b64decode(line.split()[-1])
    wrong = base64.b64encode(right[:-1] + bytes([right[-1] ^ 1])).decode()
    both = NOTE + f"— {ORIGIN} {wrong}\n".encode()
    assert refused(both) == "checkpoint_signature_invalid"


@pytest.mark.parametrize("position", range(len(NOTE)))
def test_a_changed_byte_is_refused(position: int) -> None:
    changed = NOTE[:position] + bytes([NOTE[position] ^ 1]) + NOTE[position + 1 :]
    assert refused(changed) in {
        "checkpoint_invalid",
        "checkpoint_signature_invalid",
        "base64_invalid",
    }


def test_another_logs_checkpoint_is_refused() -> None:
    assert refused(NOTE, origin="other.example/log") == "checkpoint_invalid"
    assert refused(NOTE, public=STRANGER.public) == "checkpoint_signature_invalid"


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n42\n",
        f"{ORIGIN}\n042\n{'A' * 43}=\n",
        f"{ORIGIN}\n-1\n{'A' * 43}=\n",
        f"{ORIGIN}\n٤٢\n{'A' * 43}=\n",
        f"{ORIGIN}\n42\n{'A' * 42}==\n",
        f"{ORIGIN}\n42\n{'A' * 42}B=\n",
        f"{ORIGIN}\n42\n{'A' * 43}=\nextension\n",
        f"\n42\n{'A' * 43}=\n",
        "",
    ],
)
def test_a_text_of_another_form_is_refused_though_it_is_signed(text: str) -> None:
    signature = base64.b64encode(bytes(4) + LOG.sign(text.encode())).decode()
    assert refused(f"{text}\n— {ORIGIN} {signature}\n".encode()) in {
        "checkpoint_invalid",
        "base64_invalid",
    }


@pytest.mark.parametrize(
    "note", [b"", b"\xff\n\n", NOTE[:-1], NOTE.replace(b"\n\n", b"\n"), NOTE + b"junk\n"]
)
def test_what_is_not_a_signed_note_is_refused(note: bytes) -> None:
    assert refused(note) == "checkpoint_invalid"


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_at_all_make_the_parser_fail_otherwise(note: bytes) -> None:
    with pytest.raises(EvidenceError):
        checkpoint.verify(note, ORIGIN, LOG.public)
