"""Requests that may bring files: who sends one is known before its body is read."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from governance.api.calls import Call, identify, unspent
from governance.api.limits import limited
from governance.api.requests import form_fields
from governance.api.uploads import stated_digest
from governance.domain import InputRole
from governance.identity.request_signature import EMPTY_SHA256, refused
from governance.kernel.errors import InvalidRequest
from governance.lifecycle.context import Context
from governance.lifecycle.inputs import MAX_INPUTS, Brought

# Form fields that carry files, and what each is to the model.
FILES: Mapping[str, InputRole] = {
    "input_reference": "first_frame",
    "last_frame": "last_frame",
    "reference": "reference",
    "image": "source",
    "image[]": "source",
}
MAX_FIELDS = 64
Files = tuple[tuple[InputRole, bytes], ...]
DATA_URL = "data:"


@dataclass(frozen=True)
class Ordering:
    """An authenticated call, its fields, and the files that came with it: role and bytes."""

    call: Call
    request: Request
    fields: dict[str, Any]
    files: Files = field(repr=False)


async def ordering(request: Request) -> Ordering:
    """The call of an endpoint that takes JSON, or a form with files (at most `max_input` bytes).

    Raises Unauthenticated, Denied, TooLarge, InvalidRequest (`form_invalid`, `input_invalid`).
    """
    if "multipart/form-data" not in request.headers.get("content-type", ""):
        call = await unspent(request)
        fields = call.json()
        return Ordering(call, request, *_from_json(fields))
    call = await _identified(request)
    async with request.form(max_files=MAX_INPUTS, max_fields=MAX_FIELDS) as form:
        files = [
            (_role(name), await value.read())
            for name, value in form.multi_items()
            if isinstance(value, UploadFile)
        ]
        return Ordering(call, request, form_fields(form), tuple(files))


Ordered = Annotated[Ordering, Depends(ordering)]


@contextmanager
def on_disk(context: Context, files: Files) -> Iterator[list[Brought]]:
    """The files in staging, for as long as the block runs; blocking."""
    with ExitStack() as stack:
        brought = []
        for role, content in files:
            path = stack.enter_context(context.media.staging())
            path.write_bytes(content)
            brought.append(Brought(role, path))
        yield brought


async def _identified(request: Request) -> Call:
    """Over the digest that is stated, before the body is read; then the body must have it."""
    context: Context = request.app.state.context
    stated = stated_digest(request)
    call = await identify(request, stated)
    await call.projects()  # whoever may ask for nothing sends nothing
    body = b"".join([part async for part in limited(request, context.settings.max_input)])
    if call.signed is not None and hashlib.sha256(body).digest() != (stated or EMPTY_SHA256):
        raise refused(
            "signature_digest", "The body does not have the digest that Content-Digest states."
        )
    request._body = body
    return call


def _from_json(fields: dict[str, Any]) -> tuple[dict[str, Any], Files]:
    """`input_reference` as an object with an `image_url`, which must be a data URL: this service
    fetches nothing from addresses that callers name."""
    given = fields.get("input_reference")
    rest = {name: value for name, value in fields.items() if name != "input_reference"}
    if given is None:
        return rest, ()
    url = given.get("image_url") if isinstance(given, dict) else None
    if not isinstance(url, str) or not url.startswith(DATA_URL):
        raise _invalid()
    head, _, data = url.partition(",")
    if not head.endswith(";base64"):
        raise _invalid()
    try:
        return rest, (("first_frame", base64.b64decode(data, validate=True)),)
    except ValueError:  # no base64, or no ASCII
        raise _invalid() from None


def _role(name: str) -> InputRole:
    role = FILES.get(name)
    if role is None:
        raise InvalidRequest(
            "input_invalid",
            f"Files come in the form fields {', '.join(FILES)}.",
            param=name[:64],
        )
    return role


def _invalid() -> InvalidRequest:
    return InvalidRequest(
        "input_invalid",
        "Send `input_reference` as a file of a form, or as an object whose `image_url` is a data "
        "URL with base64 (data:image/png;base64,…).",
        param="input_reference",
    )
