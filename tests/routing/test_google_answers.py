"""What Google's errors mean, in the shapes that its APIs send."""

import json

import httpx2
import pytest
from google.auth.exceptions import RefreshError, TransportError
from google.genai.errors import APIError

from governance.routing.provider import FaultKind
from governance.routing.providers.google_answers import fault, is_refusal, of_operation


def answered(status: int, body: object, **headers: str) -> Exception:
    response = httpx2.Response(status, text=json.dumps(body), headers=headers)
    return APIError(status, body, response)


def problem(**fields: object) -> dict[str, object]:
    return {"error": fields}


class TestAnHTTPError:
    @pytest.mark.parametrize(
        ("status", "body", "kind"),
        [
            (
                400,
                problem(status="INVALID_ARGUMENT", message="Bad field safety_settings."),
                "invalid",
            ),
            (
                400,
                problem(code="invalid_request", message="Blocked by our safety filters."),
                "refused",
            ),
            (400, problem(code="https://errors.example/prohibited-content"), "refused"),
            (
                400,
                problem(status="INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}]),
                "auth",
            ),
            (400, problem(message="Invalid interaction name."), "gone"),
            (401, problem(status="UNAUTHENTICATED"), "auth"),
            (403, problem(status="PERMISSION_DENIED"), "auth"),
            (403, problem(details=[{"reason": "API_KEY_SERVICE_BLOCKED"}]), "auth"),
            (403, problem(details=[{"reason": "BILLING_DISABLED"}]), "exhausted"),
            (404, problem(status="NOT_FOUND"), "gone"),
            (429, [problem(status="RESOURCE_EXHAUSTED")], "throttled"),
            (429, problem(message="Your prepayment credits are depleted."), "exhausted"),
            (408, problem(), "ambiguous"),
            (499, problem(), "ambiguous"),
            (503, problem(status="UNAVAILABLE"), "ambiguous"),
            (302, "moved", "ambiguous"),
        ],
    )
    def test_is_told_apart(self, status: int, body: object, kind: FaultKind) -> None:
        assert fault(answered(status, body), "ambiguous", ()).kind == kind

    def test_names_its_delay_in_a_header_or_in_its_details(self) -> None:
        details = [{"@type": "google.rpc.RetryInfo", "retryDelay": "7.5s"}]

        assert fault(answered(429, problem(details=details)), "ambiguous", ()).retry_after == 7
        header = {"retry-after": "9"}
        assert fault(answered(429, {}, **header), "ambiguous", ()).retry_after == 9

    def test_is_kept_without_the_key_and_the_prompt(self) -> None:
        error = answered(400, problem(message='Key k-secret, prompt "a\nfox"'))

        raw = fault(error, "ambiguous", ("k-secret",), "a\nfox").raw

        assert "k-secret" not in raw
        assert "fox" not in raw


class TestWhatIsNoAnswer:
    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (httpx2.ConnectError("refused"), "unavailable"),
            (httpx2.ReadTimeout("late"), "ambiguous"),
            (json.JSONDecodeError("broken", "", 0), "ambiguous"),
            (TransportError("no token server"), "unavailable"),  # type: ignore[no-untyped-call]
            (RefreshError("withdrawn"), "auth"),  # type: ignore[no-untyped-call]
        ],
    )
    def test_to_an_order_is_ambiguous_unless_it_never_left(
        self, error: Exception, kind: FaultKind
    ) -> None:
        assert fault(error, "ambiguous", ()).kind == kind

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (httpx2.ReadTimeout("late"), "unavailable"),
            (json.JSONDecodeError("broken", "", 0), "internal"),
        ],
    )
    def test_to_a_question_may_pass_unless_it_is_broken(
        self, error: Exception, kind: FaultKind
    ) -> None:
        assert fault(error, "unavailable", ()).kind == kind


@pytest.mark.parametrize(
    ("code", "message", "refused"),
    [
        ("SAFETY", "", True),
        ("IMAGE_PROHIBITED_CONTENT", "", True),
        ("spii", "", True),
        ("", "The prompt violates our usage guidelines.", True),
        ("SAFETY_SETTINGS", "", False),
        ("STOP", "The safety_settings are not of this shape.", False),
        (7, None, False),
    ],
)
def test_a_refusal_is_a_code_or_a_phrase(code: object, message: object, refused: bool) -> None:
    assert is_refusal(code, message) is refused


@pytest.mark.parametrize(
    ("code", "kind"), [(3, "invalid"), (8, "throttled"), (13, "internal"), ("13", "internal")]
)
def test_an_operation_ends_with_a_code_of_grpc(code: object, kind: FaultKind) -> None:
    assert of_operation(code, "") == kind
