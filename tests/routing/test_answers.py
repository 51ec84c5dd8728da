"""Figures in vendors' answers may be anything that JSON and headers can hold."""

import json
from typing import Any

import pytest

from governance.routing import Fault
from governance.routing.answers import percent, retry_after, while_fetching
from governance.routing.provider import FaultKind
from governance.routing.providers import google_omni


@pytest.mark.parametrize(
    ("said", "progress"),
    [
        ("42", 42),
        ("41.7", 41),
        ("-3", 0),
        ("1e999", 100),
        ("-1e999", 0),
        ("NaN", 0),
        ("9" * 400, 100),
        ('"42"', 0),
        ("null", 0),
    ],
)
def test_a_progress_is_a_percentage_whatever_was_said(said: str, progress: int) -> None:
    assert percent(json.loads(said)) == progress


@pytest.mark.parametrize(("said", "wait"), [("7", 7.0), ("soon", None), ("9" * 400, None)])
def test_a_delay_is_one_that_somebody_could_wait_for(said: str, wait: float | None) -> None:
    assert retry_after({"retry-after": said}) == wait


@pytest.mark.parametrize(
    ("kind", "later"),
    [
        ("throttled", "unavailable"),
        ("auth", "unavailable"),
        ("exhausted", "unavailable"),
        ("gone", "gone"),
        ("refused", "refused"),
    ],
)
def test_what_may_pass_does_not_end_a_download(kind: FaultKind, later: FaultKind) -> None:
    assert while_fetching(Fault(kind, "", retry_after=7)).kind == later


@pytest.mark.parametrize("odd", [7, True, "text", {"a": 1}, [None]])
@pytest.mark.parametrize("state", ["completed", "failed"])
def test_an_interaction_of_odd_shape_has_failed_and_breaks_nothing(odd: Any, state: str) -> None:
    step = {"type": "model_output", "content": odd, "error": odd}
    usage = {"output_tokens_by_modality": odd}
    body = {"id": "v1", "status": state, "errors": odd, "steps": [step, odd], "usage": usage}

    assert google_omni.status("v1", body).state == "failed"
