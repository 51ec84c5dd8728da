"""The only place where an error becomes an HTTP status.

Every answer has one shape, that of the OpenAI API, so official clients understand it:
`{"error": {"message", "type", "code", "param", "details"}}`.
"""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from governance.identity import dpop
from governance.kernel import clock, errors

log = logging.getLogger(__name__)

STATUS: dict[type[errors.GovernanceError], int] = {
    errors.InvalidRequest: 400,
    errors.Unauthenticated: 401,
    errors.Denied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Throttled: 429,
    errors.Unavailable: 503,
    errors.IntegrityError: 500,
    errors.ConfigurationError: 500,
}
# Codes whose status differs from that of their class.
STATUS_OF_CODE = {
    "idempotency_key_reused": 422,
    "media_unsupported": 415,
    "binding_too_long": 414,
    "upload_too_slow": 408,
}
# What the framework refuses by itself; it raises 400 for bodies only.
HTTP = {
    400: ("form_invalid", "The body is not a form (multipart/form-data) that can be read."),
    404: ("not_found", "There is nothing under this address; `/openapi.json` lists what there is."),
    405: ("method_not_allowed", "This address does not take this method; see `/openapi.json`."),
}
# Only these may be repeated as they are: clients of the OpenAI shape retry 409 and 5xx otherwise.
RETRYABLE = (429, 503)

OWN_FAULT = "Something failed on our side; the service's log has it under the request id."
# How the description of the interface tells it.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused. `code` is stable; `message` says what to do.",
        "content": {
            "application/json": {
                "example": {
                    "error": {
                        "message": "Say where the result will be shown: `territories`, …",
                        "type": "invalid_request_error",
                        "code": "territory_missing",
                        "param": "territories",
                    }
                }
            }
        },
    }
}


def install(app: FastAPI) -> None:
    """Answer every error in one shape."""
    app.add_exception_handler(errors.GovernanceError, _governance)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def _governance(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.GovernanceError)  # noqa: S101  registered for this class
    return answer(error)


def answer(error: errors.GovernanceError) -> JSONResponse:
    """How an error is told."""
    status = STATUS_OF_CODE.get(error.code) or STATUS.get(type(error), 500)
    if status == 500:  # what is wrong with ourselves is told to our log alone
        log.error("%s: %s", error.code, error.message)
        return _answer(status, error.code, OWN_FAULT, None, {})
    return _answer(status, error.code, error.message, error.param, error.details)


def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        return _answer(400, "json_invalid", "The body is not JSON.", None, {})
    param = ".".join(str(part) for part in fault["loc"][1:]) or None
    message = f"{param or 'request'}: {fault['msg']}."
    return _answer(400, "request_invalid", message, param, {})


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    code, message = HTTP.get(error.status_code, ("http_error", f"{error.detail}."))
    answer = _answer(error.status_code, code, message, None, {})
    answer.headers.update(error.headers or {})
    return answer


def unexpected() -> JSONResponse:
    """The answer when something is wrong with ourselves; what it is stands in the log alone."""
    return _answer(500, "internal_error", OWN_FAULT, None, {})


def _answer(
    status: int,
    code: str,
    message: str,
    param: str | None,
    details: dict[str, Any],
) -> JSONResponse:
    body: dict[str, Any] = {"message": message, "type": _type(status), "code": code, "param": param}
    if details:
        body["details"] = details
    headers = {"x-should-retry": "true" if status in RETRYABLE else "false"}
    if "retry_after" in details:
        headers["retry-after"] = str(details["retry_after"])
    if status == 401:
        headers["www-authenticate"] = _challenge(code)
        headers["x-server-time"] = clock.rfc3339(clock.now())
    return JSONResponse({"error": body}, status, headers=headers)


def _challenge(code: str) -> str:
    """RFC 6750 section 3 and RFC 9449 section 7.1: which proofs are taken, and what was wrong."""
    bearer = ' error="invalid_token"' if code.startswith("token_") else ""
    proof = 'error="invalid_dpop_proof", ' if code.startswith("dpop_") else ""
    return f'Bearer{bearer}, DPoP {proof}algs="{" ".join(dpop.ALGORITHMS)}"'


def _type(status: int) -> str:
    return {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(
        status, "invalid_request_error" if status < 500 else "server_error"
    )
