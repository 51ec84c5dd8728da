"""How Google's APIs say no, each in its own way."""

from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

RETRY_AFTER = 7


def refusal(prompt: str) -> Response | None:
    """The answer to an order that is not taken."""
    if "[[429]]" in prompt:
        wait = {
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": f"{RETRY_AFTER}s",
        }
        return error(429, "RESOURCE_EXHAUSTED", "Resource exhausted. Try again later.", [wait])
    if "[[quota]]" in prompt:
        quota = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}
        failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [quota]}
        return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", [failure])
    if "[[no-model]]" in prompt:
        return error(404, "NOT_FOUND", "The model is not found for this API version.")
    if "[[invalid]]" in prompt:
        return error(400, "INVALID_ARGUMENT", f"Invalid value: {prompt}")
    return None


def error(
    status: int, code: str, message: str, details: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """As Google's front end says it; the Interactions API itself has textual codes."""
    body = {"code": status, "message": message, "status": code, "details": details or []}
    return JSONResponse({"error": body}, status)


def problem(status: int, code: str, message: str) -> JSONResponse:
    """As the Interactions API says it."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)
