"""Whatever a file holds, verification answers with a verdict; and it needs next to nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.evidence import checkpoint, envelope, manifest, merkle, record
from governance.evidence.encoding import encode64, serialise
from governance.evidence.verify import Verdict, verify_file, verify_files
from tests.evidence.samples import (
    LOG,
    ORIGIN,
    RECORD,
    ROOT,
    STRANGER,
    bundle_of,
    grants,
    imported,
    told,
)
from tests.evidence.samples import record as one

Files = dict[str, bytes]
KEYS, LEAVES, RECORDS = "trust/keys.dsse.jsonl", "leaves", "records.intoto.jsonl"
SCOPE, DISCLOSED = "scope.json", "disclosures.jsonl"
STEPS = ("root", "checkpoint", "tree", "records", "streams", "stories", "disclosures", "policies")
FIELDS = ("complete", "indexes", "organisation", "project", "record", "disclosure")
RELEASED = bundle_of(told(imported()))

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(FIELDS), inner, max_size=3)
    ),
)
contents = (
    st.binary() | anything.map(serialise) | anything.map(lambda value: lines(serialise(value)))
)


def lines(*kept: bytes) -> bytes:
    return b"".join(line + b"\n" for line in kept)


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.binary(), st.sampled_from([b"", b"%PDF-1.7\n", b"PK\x03\x04", b"PK\x05\x06"]))
def test_no_file_at_all_makes_verification_fail_otherwise(
    tmp_path: Path, data: bytes, magic: bytes
) -> None:
    path = tmp_path / "anything"
    path.write_bytes(magic + data)
    verdict = verify_file(path, ROOT.keyid)
    assert verdict.failed_step in {"open", "root"}
    require_sentence(verdict)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from([KEYS, "checkpoint", LEAVES, RECORDS, SCOPE]), contents)
def test_no_content_of_a_file_makes_verification_fail_otherwise(name: str, content: bytes) -> None:
    verdict = verify_files({**RELEASED, name: content}, ROOT.keyid)
    assert verdict.failed_step in STEPS
    require_sentence(verdict)


@settings(deadline=None)
@given(contents)
def test_no_disclosures_make_verification_fail_otherwise(content: bytes) -> None:
    verdict = verify_files({**RELEASED, DISCLOSED: content}, ROOT.keyid)
    assert (verdict.failed_step == "disclosures") is bool(content)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_that_the_keys_sign_makes_verification_fail_otherwise(data: st.DataObject) -> None:
    """The keys misused: one record of a log, properly published, says anything at all."""
    kept = [item.line for item in told(imported())]
    place = data.draw(st.integers(0, len(kept) - 1))
    statement = json.loads(envelope.open_line(kept[place], "it").payload)
    path = data.draw(st.sampled_from(list(paths(statement))))
    forged = serialise(replaced(statement, path, data.draw(anything)))
    kept[place] = envelope.seal(forged, record.PAYLOAD_TYPE, RECORD)
    verdict = verify_files(log_of(kept), ROOT.keyid)
    assert verdict.failure is None or verdict.failed_step in STEPS


def failure(kept: list[bytes], keys: list[manifest.Grant] | None = None) -> tuple[str, str]:
    """The step at which a properly published log of these lines fails, and the code."""
    verdict = verify_files(log_of(kept, keys), ROOT.keyid)
    require_sentence(verdict)
    assert verdict.failure is not None
    return verdict.failed_step, verdict.failure.code


def test_a_record_in_the_tree_that_the_record_key_did_not_sign_is_refused() -> None:
    """Whoever holds the log's key alone can publish anything, but sign no record."""
    kept = [item.line for item in told(imported())]
    right = envelope.open_line(kept[2], "it")
    forged = STRANGER.sign(envelope.pae(right.payload_type, right.payload))
    unsigned = kept[2].replace(encode64(right.signature).encode(), encode64(forged).encode())
    assert failure([*kept[:2], unsigned, *kept[3:]]) == ("records", "signature_invalid")
    stranger = envelope.seal(right.payload, record.PAYLOAD_TYPE, STRANGER)
    assert failure([*kept[:2], stranger, *kept[3:]]) == ("records", "key_not_granted")


def test_a_record_beyond_the_last_index_of_its_key_is_refused() -> None:
    kept = [item.line for item in told(imported())]
    closed = [grant for grant in grants() if grant.role != "record"]
    for first, last in ((0, 4), (1, None)):
        keys = [*closed, manifest.Grant("record", RECORD.public, first, last)]
        assert failure(kept, keys) == ("records", "key_not_granted")


def test_a_record_that_names_another_predecessor_is_refused() -> None:
    """Its number is right, its signature too, and it is in the tree: but not of this stream."""
    records = told(imported())
    event, body = imported()[3]
    forked = one(event, body, seq=3, prev=records[1].leaf)
    kept = [*(item.line for item in records[:3]), forked.line]
    assert failure(kept) == ("streams", "stream_gap")


def require_sentence(verdict: Verdict) -> None:
    assert verdict.failure is not None
    assert verdict.failure.message.endswith(".") and len(verdict.failure.message.split()) > 3
    assert verdict.as_dict()["verified"] is False


def paths(value: Any, before: tuple[Any, ...] = ()) -> Any:
    """Every place in a JSON value."""
    yield before
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in [*items, *(enumerate(value) if isinstance(value, list) else ())]:
        yield from paths(inner, (*before, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with something else at one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def log_of(kept: list[bytes], keys: list[manifest.Grant] | None = None) -> Files:
    """The files of a bundle over any lines at all, properly published."""
    leaves = [merkle.leaf_hash(line) for line in kept]
    head = checkpoint.Checkpoint(ORIGIN, len(leaves), merkle.root(leaves))
    return {
        KEYS: manifest.seal(1, "", ORIGIN, keys or grants(), ROOT) + b"\n",
        "checkpoint": checkpoint.sign(head, LOG),
        LEAVES: lines(*(leaf.hex().encode() for leaf in leaves)),
        RECORDS: lines(*kept),
        SCOPE: serialise(
            {
                "complete": True,
                "indexes": [[0, len(kept) - 1]],
                "organisation": "acme",
                "project": None,
            }
        ),
        DISCLOSED: b"",
    }


def test_verifying_loads_no_server_no_database_and_no_settings() -> None:
    code = (
        "import sys\n"
        "import governance.evidence.verify\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}"
        " | {n for n in sys.modules if n.startswith('governance.')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    unwanted = {"sqlalchemy", "sqlmodel", "fastapi", "starlette", "pydantic", "httpx", "alembic",
                "uvicorn", "jinja2", "weasyprint", "av", "numpy", "pypdf", "casbin"}  # fmt: skip
    assert not loaded & unwanted
    ours = {name for name in loaded if name.startswith("governance.")}
    assert all(name.startswith("governance.evidence") for name in ours), ours
