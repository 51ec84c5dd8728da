"""Default deny: an address that does not say what it requires is nobody's."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from governance.api.calls import Spent
from governance.api.permissions import open_to_all, own_account, requires
from governance.api.uploads import Uploaded
from governance.app import create_app
from governance.identity import sessions
from governance.identity.sessions import COOKIE
from tests.platform import Service, open_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    opened = open_service(tmp_path_factory.mktemp("permissions") / "data")
    yield opened
    opened.close()


@pytest.fixture
def app(service: Service) -> FastAPI:
    return create_app(service.platform)


async def ask(
    service: Service, app: FastAPI, path: str, *roles: str, **sent: Any
) -> httpx.Response:
    """A request of somebody with these roles."""
    person = service.person(*roles)
    token = service.context.database.write(lambda c: sessions.start(c, person.id, absolute=60))
    url = service.context.settings.base_url
    headers = {"Cookie": f"{COOKIE}={token}", "Origin": url}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=url, headers=headers
    ) as client:
        return await client.request("POST" if sent else "GET", path, **sent)


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("error", {}).get("code")


@pytest.mark.anyio
@pytest.mark.parametrize("roles", [(), ("administrator", "compliance_officer", "producer")])
async def test_an_address_without_a_declaration_refuses_everybody(
    service: Service, app: FastAPI, roles: tuple[str, ...]
) -> None:
    reached = []

    @app.get("/v1/governance/forgotten")
    async def forgotten() -> dict[str, str]:
        reached.append("without a call")
        return {}

    @app.get("/v1/forgotten")
    async def also_forgotten(call: Spent) -> dict[str, str]:
        reached.append("with a call")
        return {}

    @app.post("/v1/forgotten")
    async def upload_forgotten(upload: Uploaded) -> dict[str, str]:
        reached.append("with an upload")
        return {}

    for path, sent in (
        ("/v1/governance/forgotten", {}),
        ("/v1/forgotten", {}),
        ("/v1/forgotten", {"content": b"file"}),
    ):
        answer = await ask(service, app, path, *roles, **sent)
        assert code(answer) == (403, "address_undeclared")
    assert reached == []


@pytest.mark.anyio
async def test_an_address_gets_what_it_declares(service: Service, app: FastAPI) -> None:
    @app.get("/v1/public")
    @open_to_all
    async def public() -> dict[str, str]:
        return {"hello": "everybody"}

    @app.get("/v1/mine")
    @own_account
    async def mine(call: Spent) -> dict[str, str]:
        return {"hello": call.principal.id}

    @app.get("/v1/agents-only")
    @requires("agent", "read")
    async def governed(call: Spent) -> dict[str, str]:
        return {}

    @app.post("/v1/agents-only")
    @requires("agent", "read")
    async def governed_upload(upload: Uploaded) -> dict[str, str]:
        return {}

    url = service.context.settings.base_url
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url) as stranger:
        assert (await stranger.get("/v1/public")).status_code == 200
        assert code(await stranger.get("/v1/mine")) == (401, "credentials_missing")
    assert (await ask(service, app, "/v1/mine")).status_code == 200
    for sent in ({}, {"content": b"file"}):
        allowed = await ask(service, app, "/v1/agents-only", "auditor", **sent)
        assert allowed.status_code == 200
        refused = await ask(service, app, "/v1/agents-only", "producer", **sent)
        assert code(refused) == (403, "access_denied")


@pytest.mark.anyio
async def test_an_address_that_declares_nothing_for_policy_cannot_ask_policy(
    service: Service, app: FastAPI
) -> None:
    @app.get("/v1/mine")
    @own_account
    async def mine(call: Spent) -> dict[str, str]:
        await call.allow_in("launch")
        return {}

    answer = await ask(service, app, "/v1/mine", "administrator")
    assert code(answer) == (403, "address_undeclared")


def test_the_description_says_what_each_address_requires(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    for path, operations in paths.items():
        for operation in operations.values():
            assert operation["x-requires"], path
    granting = paths["/v1/governance/roles"]["post"]
    assert granting["x-requires"] == "role:manage"
    assert granting["description"].endswith("Requires `role:manage`; by default: administrator.")
    assert paths["/healthz"]["get"]["x-requires"] == "open"
    assert paths["/v1/governance/whoami"]["get"]["x-requires"] == "own"
    assert app.openapi()["paths"] == paths
