"""The C2PA manifest (technical specification 2.x): built, signed and embedded. The last writer.

A source that carries a manifest becomes our manifest's parent ingredient, so the vendor's own
signed statement stays in the file.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import c2pa

from governance.domain import Asset
from governance.kernel import clock
from governance.kernel.errors import Unavailable
from governance.marking.authority import Authority

log = logging.getLogger(__name__)

# Our own assertion; C2PA asks for a reverse domain name, this is the one of the log's origin.
RECORD_ASSERTION = "local.governance.record"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
PARENT = "parent"
TOOL = "c2pa-rs"


@dataclass(frozen=True)
class Claim:
    """What the manifest says.

    source_type: IPTC term; edits: sentences on what was done to the picture after `source`;
    opened: the source was handed in, not generated through the service; ingredients: files of
    ours that were placed into it.
    """

    record_id: str
    record_uri: str
    source_type: str
    producer: str
    producer_version: str
    title: str
    edits: Sequence[str] = ()
    opened: bool = False
    ingredients: Sequence[Asset] = ()


def context(trust: str = "") -> c2pa.Context:
    """Settings for reading or writing; `trust` is PEM. Files never make us use the network."""
    return c2pa.Context(
        c2pa.Settings.from_dict(
            {
                "trust": {"user_anchors": trust} if trust else {},
                "verify": {
                    "verify_trust": True,
                    "remote_manifest_fetch": False,
                    "ocsp_fetch": False,
                },
                "builder": {"thumbnail": {"enabled": False}},
            }
        )
    )


def version() -> str:
    """The version of the native C2PA library."""
    return str(c2pa.sdk_version())


def vendor_manifest(path: Path, media_type: str) -> Literal["none", "readable", "unreadable"]:
    """What manifest the file carries or refers to; a readable one need not be valid."""
    try:
        with path.open("rb") as stream, c2pa.Reader(media_type, stream, context=context()):
            return "readable"
    except c2pa.C2paError.ManifestNotFound:
        return "none"
    except c2pa.C2paError as error:
        return "readable" if is_remote(error) else "unreadable"


def is_remote(error: c2pa.C2paError) -> bool:
    """Whether the reader stopped because the manifest is kept elsewhere."""
    return str(error).startswith("Remote:")


def sign(content: Path, target: Path, source: Asset, authority: Authority, claim: Claim) -> str:
    """Write `content` with our manifest to `target`; `source` is the file as it arrived.

    Returns a sentence on the source's own manifest. Raises Unavailable (`mark_signing_failed`)
    when the library refuses.
    """
    found = vendor_manifest(source.path, source.media_type)
    parent = found == "readable" or (claim.opened and found == "none")
    builder = c2pa.Builder(json.dumps(_definition(claim, parent)), context(authority.ca_pem))
    signer = c2pa.Signer.from_callback(
        authority.sign, c2pa.C2paSigningAlg.ED25519, authority.chain, None
    )
    try:
        with builder, signer:
            if parent:
                _add(builder, source, "parentOf", PARENT, claim.title)
            for index, asset in enumerate(claim.ingredients):
                _add(builder, asset, "componentOf", _component(index), asset.digest)
            with content.open("rb") as reading, target.open("w+b") as writing:
                builder.sign(signer, source.media_type, reading, writing)
    except c2pa.C2paError as error:
        log.warning("C2PA signing failed: %s", error)
        raise Unavailable(
            "mark_signing_failed",
            f"The C2PA manifest could not be written: {str(error)[:200]}. Check the signing "
            "certificate's dates and that the file is whole.",
        ) from error
    if found == "unreadable":
        return "The source's own manifest cannot be read and is not kept."
    return "The source is its parent ingredient." if parent else "The source had no manifest."


def _definition(claim: Claim, parent: bool) -> dict[str, Any]:
    when = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    record = {
        "record_id": claim.record_id,
        "record_uri": claim.record_uri,
        "digital_source_type": SOURCE_TYPES + claim.source_type,
    }
    first: dict[str, Any] = {
        "action": "c2pa.opened" if parent else "c2pa.created",
        "digitalSourceType": SOURCE_TYPES + claim.source_type,
    }
    if parent:
        first["parameters"] = {"ingredientIds": [PARENT]}
    placed = [
        {"action": "c2pa.placed", "parameters": {"ingredientIds": [_component(index)]}}
        for index in range(len(claim.ingredients))
    ]
    edited = [{"action": "c2pa.edited", "description": edit} for edit in claim.edits]
    actions = [{**action, "when": when} for action in (first, *placed, *edited)]
    return {
        "claim_generator_info": [{"name": claim.producer, "version": claim.producer_version}],
        "title": claim.title,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": RECORD_ASSERTION, "data": record},
        ],
    }


def _component(index: int) -> str:
    return f"component-{index}"


def _add(builder: c2pa.Builder, asset: Asset, relationship: str, label: str, title: str) -> None:
    described = {"title": title, "relationship": relationship, "label": label}
    with asset.path.open("rb") as stream:
        builder.add_ingredient(json.dumps(described), asset.media_type, stream)
