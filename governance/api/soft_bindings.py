"""`/v1/c2pa`: the C2PA Soft Binding Resolution API, version 2.4: queries and manifests.

https://spec.c2pa.org/specifications/specifications/2.4/softbinding/Decoupled.html
A tool that is pointed at `/v1/c2pa` gets back the credentials that a copy has lost. Nothing is
fetched from addresses that a caller names (`matches/byReference`), and nothing can be stored.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from governance.api.health import healthz
from governance.api.intake import Intake, count
from governance.api.limits import LimitedRoute
from governance.api.permissions import open_to_all
from governance.api.requests import Body
from governance.detection import resolver
from governance.detection.resolver import FINGERPRINTS, Match
from governance.kernel import clock
from governance.kernel.errors import InvalidRequest, Unavailable
from governance.lifecycle.context import Context
from governance.marking.content import WATERMARK

PREFIX = "/v1/c2pa"
SPECIFICATION = "2.4.0"
MEDIA_TYPE = "application/c2pa"
MAX_IN_ADDRESS = 2048  # characters; a longer value is posted
ASSETS = ("image/", "video/", "audio/", "application/octet-stream")
EXAMPLE = {"matches": [{"manifestId": f"urn:c2pa:{'0' * 8}-1111-4222-8333-{'4' * 12}"}]}

router = APIRouter(tags=["Soft Binding Resolution (C2PA)"])
Alg = Annotated[str, Query(max_length=100, examples=[WATERMARK])]
Most = Annotated[int, Query(alias="maxResults", ge=1, le=100)]
FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}, "example": "(the file)"}
MATCHES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": EXAMPLE}}}
}


class SoftBindingQuery(Body):
    """A binding that is too long for an address."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"alg": WATERMARK, "value": "AZi3wtPkT1o="}}
    )

    alg: str = Field(max_length=100)
    value: str = Field(max_length=2_000_000)


@router.get(f"{PREFIX}/matches/byBinding", responses=MATCHES)
@open_to_all
async def query_by_binding(
    request: Request,
    alg: Alg,
    value: Annotated[str, Query(examples=["AZi3wtPkT1o="])],
    most: Most = 10,
) -> dict[str, Any]:
    """The manifests that a soft binding leads to. `value` is base64, in the algorithm's form:
    of a watermark its 8 bytes or 16 hexadecimal digits, of a fingerprint its bytes."""
    if len(value) > MAX_IN_ADDRESS:
        raise InvalidRequest("binding_too_long", "Send a value of this length by POST.")
    return await _by_binding(request, alg, value, most)


@router.get(f"{PREFIX}/manifests/{{manifest_id}}", response_class=Response)
@open_to_all
async def get_manifest(request: Request, manifest_id: str) -> Response:
    """The manifest store (JUMBF) that this manifest is the active one of, as it was delivered.

    Of what was released only; not of what was recalled, or is no longer stored.
    """
    await count(request)
    context: Context = request.app.state.context
    store = await run_in_threadpool(resolver.manifest_of, context, manifest_id)
    return Response(store, media_type=MEDIA_TYPE)


@router.post(
    f"{PREFIX}/matches/byContent",
    responses=MATCHES,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": dict.fromkeys(("image/*", "video/*", "audio/*"), FILE),
        }
    },
)
@open_to_all
async def query_by_content(
    request: Request,
    alg: Alg | None = None,
    most: Most = 10,
    hint_alg: Annotated[str | None, Query(alias="hintAlg", max_length=100)] = None,
    hint_value: Annotated[str | None, Query(alias="hintValue", max_length=MAX_IN_ADDRESS)] = None,
) -> dict[str, Any]:
    """The manifests that a file leads to, by what is left of its marks. The file is the body.

    `similarityScore` is 100 unless only a fingerprint says so: such a match is a candidate.
    """
    if not request.headers.get("content-type", "").startswith(ASSETS):
        raise InvalidRequest("media_unsupported", "Send an image, a video or a sound as the body.")
    for name in (alg, hint_alg):
        if name is not None:
            resolver.require_known(name)
    intake: Intake = request.app.state.intake
    context: Context = request.app.state.context
    looking = await intake.look(
        request, lambda path, tell: resolver.by_content(context, path, alg, tell)
    )
    found = await looking.task
    if not found and hint_alg and hint_value:
        found = await run_in_threadpool(resolver.by_binding, context, hint_alg, hint_value)
    return _answer(found, most)


@router.get(f"{PREFIX}/services/supportedAlgorithms")
@open_to_all
def supported_algorithms() -> dict[str, Any]:
    """The soft bindings that can be asked for."""
    return {
        "watermarks": [{"alg": WATERMARK}],
        "fingerprints": [{"alg": name} for name in FINGERPRINTS],
    }


@router.get(f"{PREFIX}/services/capabilities")
@open_to_all
def capabilities() -> dict[str, Any]:
    """What this service offers beyond queries by binding."""
    return {"c2paSpecificationVersion": SPECIFICATION, "supportedCapabilities": ["queryByContent"]}


@router.get(f"{PREFIX}/services/status")
@open_to_all
def status(request: Request) -> dict[str, str]:
    """Whether it works."""
    try:
        healthz(request)
        state = "ok"
    except Unavailable:
        state = "degraded"
    return {"status": state, "timestamp": clock.rfc3339(clock.now())}


@router.get("/.well-known/c2pa-soft-binding-resolution")
@open_to_all
def well_known(request: Request) -> dict[str, str]:
    """Where the interface is, for tools that know only the site (RFC 8615)."""
    context: Context = request.app.state.context
    base = context.settings.base_url + PREFIX
    return {
        "apiEndpoint": base,
        "c2paSpecificationVersion": SPECIFICATION,
        "capabilitiesEndpoint": f"{base}/services/capabilities",
        "statusEndpoint": f"{base}/services/status",
    }


posted = APIRouter(tags=["Soft Binding Resolution (C2PA)"], route_class=LimitedRoute)


@posted.post(f"{PREFIX}/matches/byBinding", responses=MATCHES)
@open_to_all
async def query_by_large_binding(
    request: Request, body: SoftBindingQuery, most: Most = 10
) -> dict[str, Any]:
    """As by address, for a value that is too long for one."""
    return await _by_binding(request, body.alg, body.value, most)


router.include_router(posted)


async def _by_binding(request: Request, alg: str, value: str, most: int) -> dict[str, Any]:
    await count(request)
    context: Context = request.app.state.context
    intake: Intake = request.app.state.intake  # a long fingerprint is work, too
    return _answer(await intake.check(lambda: resolver.by_binding(context, alg, value)), most)


def _answer(found: list[Match], most: int) -> dict[str, Any]:
    """`c2pa.softBindingQueryResult`."""
    return {
        "matches": [
            {"manifestId": match.manifest, "similarityScore": match.score} for match in found[:most]
        ]
    }
