"""Reads the C2PA manifest of a stored file and says what it proves.

`Trusted`: intact, and the signer is under the given anchors. `Valid`: intact, signer unknown
here, which says nothing against the file. `Invalid`: does not fit the file, or does not verify.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import c2pa

from governance.domain import Mark, MarkState
from governance.marking.credentials import manifest

Validation = Literal["Trusted", "Valid", "Invalid"]
MAX_TEXT = 200
CONTENT_CODES = ("assertion.bmffHash", "assertion.dataHash", "assertion.boxesHash")


@dataclass(frozen=True)
class ManifestFacts:
    """What the active manifest says.

    codes: failures that validation reported; signer: the organisation in the certificate, not its
    common name, which may be a person's.
    """

    validation: Validation
    codes: tuple[str, ...]
    signer: str
    generator: str
    record_id: str
    source_type: str
    manifests: int


def read_manifest(
    path: Path, media_type: str, trust: str, record_id: str = "", source_type: str = ""
) -> Mark:
    """The mark `c2pa` of the file. trust: PEM of the anchors, may be empty.

    `record_id` and `source_type` are what our own writer meant to write, if it was ours: a
    manifest that names another record is not our mark.
    """
    try:
        facts = _facts(path, media_type, trust)
    except c2pa.C2paError.ManifestNotFound:
        return _mark("absent", "No C2PA manifest in the file.")
    except c2pa.C2paError as error:
        if manifest.is_remote(error):
            return _mark("not_checked", "The manifest is kept elsewhere; it is not fetched.")
        return _mark("absent", f"The manifest cannot be read: {clean(str(error))}")
    return _judge(facts, record_id, source_type)


def _facts(path: Path, media_type: str, trust: str) -> ManifestFacts:
    with (
        path.open("rb") as stream,
        c2pa.Reader(media_type, stream, context=manifest.settings(trust)) as reader,
    ):
        store = json.loads(reader.json())
        state = reader.get_validation_state()
    # A damaged store may name an active manifest that it doesn't hold.
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    failures = store.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    generators = active.get("claim_generator_info") or [{}]
    assertions = {
        entry["label"]: entry["data"]
        for entry in active.get("assertions", [])
        if isinstance(entry.get("data"), dict)
    }
    return ManifestFacts(
        validation=state,
        codes=tuple(sorted({str(failure["code"]) for failure in failures})),
        signer=clean(active.get("signature_info", {}).get("issuer", "")),
        generator=clean(generators[0].get("name", "")),
        record_id=clean(assertions.get(manifest.RECORD_ASSERTION, {}).get("record_id", "")),
        source_type=_source_type(assertions),
        manifests=len(store.get("manifests", {})),
    )


def _source_type(assertions: dict[str, Any]) -> str:
    """The term of the first action that names one."""
    for label, data in assertions.items():
        if label.startswith("c2pa.actions"):
            for action in data.get("actions", []):
                if uri := action.get("digitalSourceType"):
                    return clean(str(uri).rsplit("/", 1)[-1])
    return ""


def _judge(facts: ManifestFacts, record_id: str, source_type: str) -> Mark:
    if facts.validation == "Invalid":
        return _mark("absent", _fault(facts), facts)
    if record_id and facts.record_id != record_id:
        return _mark("absent", "The manifest is intact, but belongs to another record.", facts)
    if source_type and facts.source_type != source_type:
        return _mark("absent", "The manifest is intact, but names another source type.", facts)
    if facts.validation == "Trusted":
        return _mark("present", "Intact; the signer is under the given trust anchors.", facts)
    return _mark("present", "Intact; the signer is not under the given trust anchors.", facts)


def _fault(facts: ManifestFacts) -> str:
    codes = [code for code in facts.codes if code != "signingCredential.untrusted"]
    listed = ", ".join(codes) or "no code given"
    if any(code.startswith(CONTENT_CODES) for code in codes):
        return f"A manifest is there, but the file was changed after signing ({listed})."
    return f"A manifest is there, but it does not verify ({listed})."


def _mark(state: MarkState, detail: str, facts: ManifestFacts | None = None) -> Mark:
    listed = (
        ()
        if facts is None
        else (
            ("validation", facts.validation),
            ("codes", ", ".join(facts.codes)[:MAX_TEXT]),
            ("signer", facts.signer),
            ("generator", facts.generator),
            ("record_id", facts.record_id),
            ("source_type", facts.source_type),
            ("manifests", str(facts.manifests)),
        )
    )
    filled = tuple((name, value) for name, value in listed if value)
    return Mark("c2pa", state, manifest.TOOL, manifest.version(), detail, filled)


def clean(text: Any) -> str:
    """Text from a stranger's file, fit for a record: printable and short."""
    return "".join(character for character in str(text) if character.isprintable())[:MAX_TEXT]
