"""The C2PA manifest (technical specification 2.x): built, signed and embedded. The last writer.

A source that carries a manifest becomes our manifest's parent ingredient, so the vendor's own
signed statement stays in the file.
"""

import json
from pathlib import Path
from typing import Any, Literal

import c2pa

from governance.domain import Asset
from governance.kernel import clock
from governance.kernel.errors import Unavailable
from governance.marking.context import SOURCE_TYPES, MarkContext

# Our own assertion; C2PA asks for a reverse domain name, this is the one of the log's origin.
RECORD_ASSERTION = "local.governance.record"
PARENT = "parent"
TOOL = "c2pa-rs"


def settings(trust: str = "") -> c2pa.Context:
    """How files are read and written; `trust` is PEM. Files never make us use the network."""
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
        with path.open("rb") as stream, c2pa.Reader(media_type, stream, context=settings()):
            return "readable"
    except c2pa.C2paError.ManifestNotFound:
        return "none"
    except c2pa.C2paError as error:
        return "readable" if is_remote(error) else "unreadable"


def is_remote(error: c2pa.C2paError) -> bool:
    """Whether the reader stopped because the manifest is kept elsewhere."""
    return str(error).startswith("Remote:")


def sign(content: Path, target: Path, source: Asset, edit: str | None, context: MarkContext) -> str:
    """Write `content` with our manifest to `target`.

    source: the file as it arrived; edit: a sentence on what was done to its picture. Returns a
    sentence on the source's own manifest. Raises Unavailable (`mark_signing_failed`).
    """
    found = vendor_manifest(source.path, source.media_type)
    parent = found == "readable" or (context.edited and found == "none")
    authority = context.authority
    definition = json.dumps(_definition(context, edit, parent))
    signer = c2pa.Signer.from_callback(
        authority.sign, c2pa.C2paSigningAlg.ED25519, authority.chain, None
    )
    try:
        with c2pa.Builder(definition, settings(authority.ca_pem)) as builder, signer:
            if parent:
                _add(builder, source, "parentOf", PARENT)
            for index, asset in enumerate(context.ingredients):
                _add(builder, asset, "componentOf", _component(index))
            with content.open("rb") as reading, target.open("w+b") as writing:
                builder.sign(signer, source.media_type, reading, writing)
    except c2pa.C2paError as error:
        raise Unavailable(
            "mark_signing_failed",
            f"The C2PA manifest could not be written: {str(error)[:200]}. Check the signing "
            "certificate's dates and that the file is whole.",
        ) from error
    if found == "unreadable":
        return "The source's own manifest cannot be read and is not kept."
    return "The source is its parent ingredient." if parent else "The source had no manifest."


def _definition(context: MarkContext, edit: str | None, parent: bool) -> dict[str, Any]:
    source_type = SOURCE_TYPES + context.source_type
    first: dict[str, Any] = {
        "action": "c2pa.opened" if parent else "c2pa.created",
        "digitalSourceType": source_type,
    }
    if parent:
        first["parameters"] = {"ingredientIds": [PARENT]}
    placed = [
        {"action": "c2pa.placed", "parameters": {"ingredientIds": [_component(index)]}}
        for index in range(len(context.ingredients))
    ]
    edited = [{"action": "c2pa.edited", "description": edit}] if edit else []
    when = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    actions = [{**action, "when": when} for action in (first, *placed, *edited)]
    record = {
        "record_id": context.record_id,
        "record_uri": context.record_uri,
        "digital_source_type": source_type,
    }
    return {
        "claim_generator_info": [{"name": context.producer, "version": context.producer_version}],
        "title": context.title or context.record_id,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": RECORD_ASSERTION, "data": record},
        ],
    }


def _component(index: int) -> str:
    return f"component-{index}"


def _add(builder: c2pa.Builder, asset: Asset, relationship: str, label: str) -> None:
    described = {"title": asset.digest, "relationship": relationship, "label": label}
    with asset.path.open("rb") as stream:
        builder.add_ingredient(json.dumps(described), asset.media_type, stream)
