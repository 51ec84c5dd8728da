"""What holds for every address: one shape of errors, request ids, a description with examples."""

import logging
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from sqlalchemy.exc import OperationalError

from governance.api import health
from governance.kernel import clock
from governance.kernel.media import MediaStore
from tests.api.site import CANARY, PICTURE, Site, refusal


@pytest.fixture(scope="module")
def described(site: Site) -> dict[str, Any]:
    answer: dict[str, Any] = site["visitor"].get("/openapi.json").json()
    return answer


def bodies(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each write that takes a body: what it takes, by media type."""
    return {
        f"{method.upper()} {path}": operation["requestBody"]["content"]
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }


def test_every_write_is_described_with_an_example(described: dict[str, Any]) -> None:
    found = bodies(described)
    assert len(found) >= 13
    for name, content in found.items():
        assert any(has_example(kind["schema"], kind, described) for kind in content.values()), name


def test_the_examples_are_valid(described: dict[str, Any]) -> None:
    for name, model in described["components"]["schemas"].items():
        if "example" in model:
            schema = {**model, "components": described["components"]}
            assert model["additionalProperties"] is False, name
            jsonschema.validate(model["example"], schema)


def test_an_example_of_a_request_can_be_sent(site: Site, described: dict[str, Any]) -> None:
    for path in ("/v1/videos", "/v1/governance/generations"):
        content = bodies(described)[f"POST {path}"]
        answer = site["agent"].post(
            "/v1/governance/preflight", json=content["application/json"]["example"]
        )
        assert answer.status_code == 200, answer.text


def test_refusals_are_described_as_they_are(described: dict[str, Any]) -> None:
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert "422" not in operation["responses"], path
            assert "4XX" in operation["responses"], path


def has_example(schema: dict[str, Any], kind: dict[str, Any], described: dict[str, Any]) -> bool:
    name = schema.get("$ref", "").rpartition("/")[2]
    return "example" in kind or "example" in described["components"]["schemas"].get(name, {})


def test_no_page_loads_scripts_from_elsewhere(site: Site) -> None:
    for path in ("/docs", "/redoc"):
        refusal(site["visitor"].get(path), 404, "not_found")


def test_what_there_is_not_is_said_in_the_same_shape(site: Site) -> None:
    refusal(site["agent"].get("/v1/songs"), 404, "not_found")
    answer = site["agent"].put("/v1/videos")
    refusal(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]
    refusal(site["admin"].post("/v1/governance/roles", content=b"{"), 400, "request_invalid")
    headers = {"Content-Type": "application/json"}
    answer = site["admin"].post("/v1/governance/roles", content=b"{", headers=headers)
    refusal(answer, 400, "json_invalid")


def test_an_address_with_a_zero_byte_is_refused_on_every_database(site: Site) -> None:
    for path in ("/v1/videos/%00", "/v1/videos?after=%00", "/v1/governance/reviews/rev%00"):
        refusal(site["agent"].get(path), 400, "address_invalid")


def test_every_answer_has_a_request_id_of_its_own(site: Site) -> None:
    answers = [
        site["visitor"].get(path) for path in ("/healthz", "/openapi.json", "/", "/v1/models")
    ]
    named = {answer.headers["x-request-id"] for answer in answers}
    assert len(named) == len(answers)


def test_no_answer_is_guessed_at_or_kept_by_what_lies_between(site: Site) -> None:
    for path in ("/healthz", "/v1/models", "/v1/songs"):
        answer = site["agent"].get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


class TestHealth:
    def test_it_is_well_while_the_database_answers(self, site: Site) -> None:
        answer = site["visitor"].get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    def test_it_says_when_the_database_does_not_answer(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> None:
            raise OperationalError("SELECT 1", {}, OSError("disk gone"))

        monkeypatch.setattr(site.service.context.database, "read", broken)
        answer = site["visitor"].get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "database_down"
        assert answer.headers["x-should-retry"] == "true"
        assert "disk" not in answer.text

    def test_it_says_when_records_do_not_get_into_the_log(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = clock.now() - timedelta(seconds=30)
        monkeypatch.setattr(health, "oldest_unpublished", lambda _: late)
        answer = site["visitor"].get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "log_late"


def test_our_own_faults_tell_nothing_and_are_found_by_their_request_id(
    site: Site,
    picture: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"a secret: {CANARY}")

    monkeypatch.setattr(MediaStore, "path", broken)
    with caplog.at_level(logging.INFO, logger="governance.request"):
        answer = site["agent"].get(f"/v1/videos/{picture['id']}/content")
    refusal(answer, 500, "internal_error")
    named = answer.headers["x-request-id"]
    lines = [line for line in caplog.records if getattr(line, "request_id", "") == named]
    assert [line.levelname for line in lines] == ["ERROR", "INFO"]
    assert getattr(lines[1], "status", 0) == 500


def test_models_are_listed_with_what_governance_knows_of_them(site: Site) -> None:
    listed = site["agent"].get("/v1/models").json()
    assert listed["object"] == "list"
    models = {model["id"]: model for model in listed["data"]}
    assert set(models) >= {"local/procedural-video", "self/wan2.2-a14b"}
    assert "openai/sora-2" not in models
    assert models[PICTURE["model"]]["governance"]["source_type"] == "algorithmicMedia"
