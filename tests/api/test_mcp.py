"""The Model Context Protocol, spoken by its official client over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from tests.api.site import CANARY, JSON_LIMIT, Site, refusal

Result = TypeVar("Result")
ORDER: dict[str, Any] = {
    "prompt": f"a calm sea at dusk, {CANARY}",
    "model": "local/procedural-video",
    "seconds": "1",
    "size": "128x72",
    "governance": {
        "project": "launch",
        "territories": ["EU"],
        "audience": "internal",
        "deep_fake": "no",
        "real_person": "no",
    },
}
MODES = ("auto", "legacy")


def speak(
    site: Site, run: Callable[[Client], Awaitable[Result]], name: str = "agent", mode: str = "auto"
) -> Result:
    """Do something as the official client of an agent that signs, or of a service with its key."""
    auth = site.signers.get(name)
    headers = {} if auth else {"Authorization": f"Bearer {site.keys.get(name, '')}"}

    async def connected() -> Result:
        async with httpx2.AsyncClient(auth=auth, headers=headers, timeout=30) as http:
            transport = streamable_http_client(f"{site.url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await run(client)

    return asyncio.run(connected())


def call(site: Site, tool: str, given: dict[str, Any], name: str = "agent") -> CallToolResult:
    async def run(client: Client) -> CallToolResult:
        return await client.call_tool(tool, given)

    return speak(site, run, name)


def refused(answer: CallToolResult, code: str) -> dict[str, Any]:
    assert answer.is_error
    error: dict[str, Any] = answer.structured_content["error"]
    assert error["code"] == code, error
    assert answer.content[0].text == f"{code}: {error['message']}"  # type: ignore[union-attr]
    assert CANARY not in str(answer)
    return error


@pytest.mark.parametrize("mode", MODES)
def test_the_tools_are_listed_in_both_generations_of_the_protocol(site: Site, mode: str) -> None:
    async def run(client: Client) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    names = speak(site, run, mode=mode)
    assert names == ["generate_video", "get_generation", "explain_decision"]


def test_an_agent_orders_a_video_watches_it_and_asks_why(site: Site) -> None:
    with site.recorded(
        "generation.requested", "policy.decided", "route.chosen", "provider.intended",
        "provider.submitted", "asset.fetched", "asset.screened", "policy.decided",
        "asset.marked", "marks.verified", "asset.released",
    ):  # fmt: skip
        made = call(site, "generate_video", ORDER).structured_content
    assert made["object"] == "video"
    site.wait(made["id"], "released")
    asked = {"generation": made["id"]}
    shown = call(site, "get_generation", asked).structured_content
    direct = site["agent"].get(f"/v1/videos/{made['id']}").json()
    assert shown == direct
    told = call(site, "explain_decision", asked).structured_content
    assert [one["stage"] for one in told["decisions"]] == ["request", "output"]
    records = site["auditor"].get("/v1/governance/records", params=asked).json()["data"]
    assert records[0]["event"] == "generation.requested"


def test_the_request_is_on_record_under_the_agents_own_signature(site: Site) -> None:
    made = call(site, "generate_video", ORDER).structured_content["id"]
    site.wait(made, "released")
    story = site.service.story(made)
    assert story.request["principal"]["id"] == site.principals["agent"].id
    assert story.request["principal"]["assurance"] == "A"
    assert story.request["signature"]["keyid"] == site.signers["agent"].keyid


def test_a_service_with_an_api_key_is_served_alike(site: Site) -> None:
    made = call(site, "generate_video", ORDER, "service").structured_content
    shown = call(site, "get_generation", {"generation": made["id"]}, "service")
    assert shown.structured_content["id"] == made["id"]
    site.wait(made["id"], "released")


def test_a_repeated_call_with_its_key_makes_nothing_twice(site: Site) -> None:
    keyed = {**ORDER, "idempotency_key": "once"}
    first = call(site, "generate_video", keyed).structured_content["id"]
    assert call(site, "generate_video", keyed).structured_content["id"] == first
    other = {**keyed, "prompt": "something else"}
    refused(call(site, "generate_video", other), "idempotency_key_reused")
    site.wait(first, "released")


@pytest.mark.parametrize(
    ("tool", "given", "code"),
    [
        ("generate_video", {**ORDER, "prompt": ""}, "prompt_invalid"),
        ("generate_video", {**ORDER, "governance": {"project": "launch"}}, "territory_missing"),
        ("generate_video", {**ORDER, "size": "big"}, "size_invalid"),
        ("generate_video", {**ORDER, "model": "openai/none"}, "model_unknown"),
        ("generate_video", {**ORDER, "callback": "http://127.0.0.1"}, "field_unknown"),
        ("generate_video", {**ORDER, "idempotency_key": 7}, "idempotency_key_invalid"),
        ("get_generation", {"generation": "gen_1"}, "generation_not_found"),
        ("get_generation", {}, "generation_invalid"),
        ("explain_decision", {"generation": ["gen_1"]}, "generation_invalid"),
        ("drop_tables", {}, "tool_unknown"),
    ],
)
def test_a_refusal_carries_our_code_and_sentence(
    site: Site, tool: str, given: dict[str, Any], code: str
) -> None:
    with site.recorded():
        refused(call(site, tool, given), code)


def test_who_may_not_is_refused_on_record(site: Site) -> None:
    with site.recorded("access.denied"):
        refused(call(site, "generate_video", ORDER, "intern"), "access_denied")
    generation = site.released()["id"]
    with site.recorded("access.denied"):
        refused(
            call(site, "explain_decision", {"generation": generation}, "intern"), "access_denied"
        )


def test_a_key_is_good_for_its_scopes_alone(site: Site) -> None:
    site.employ("narrow", ["generation:read"], "producer")
    refused(call(site, "generate_video", ORDER, "narrow"), "access_denied")


def test_strangers_speak_to_nobody(site: Site) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = site["visitor"].post("/mcp", json=body)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"]


def test_a_message_is_heard_once(site: Site) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "generate_video", "arguments": ORDER},
    }
    headers = {"Accept": "application/json, text/event-stream"}
    signed = site.signed("agent", "POST", "/mcp", json=body, headers=headers)
    first = site["visitor"].send(signed)
    result = first.json()["result"]
    assert not result["isError"]
    again = site["visitor"].send(signed).json()["result"]
    assert again["structuredContent"]["error"]["code"] == "signature_replayed"
    site.wait(result["structuredContent"]["id"], "released")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"jsonrpc": "2.0"}',
        b"[" * 5000,
        b'{"jsonrpc":"2.0","id":1,"method":"x"}',
    ],
)
def test_what_is_no_message_breaks_nothing(site: Site, content: bytes) -> None:
    headers = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    with site.recorded():
        answer = site["agent"].post("/mcp", content=content, headers=headers)
    assert answer.status_code < 500 or answer.json()["error"]["code"] < 0


def test_a_body_beyond_the_limit_is_refused(site: Site) -> None:
    answer = site["agent"].post("/mcp", content=b"x" * (JSON_LIMIT + 1))
    refusal(answer, 413, "body_too_large")


def test_there_is_no_stream_to_open(site: Site) -> None:
    answer: httpx.Response = site["agent"].get("/mcp")
    refusal(answer, 405, "method_not_allowed")


def test_a_subscription_that_is_not_offered_is_refused_and_holds_nobody_up(site: Site) -> None:
    method = "subscriptions/listen"
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
    }
    params = {"_meta": meta, "notifications": {"toolsListChanged": True}}
    answer = site["agent"].post(
        "/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        headers={
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": method,
            "Accept": "application/json, text/event-stream",
        },
        timeout=10,
    )
    assert "Method not found" in answer.text
    assert site["visitor"].get("/healthz", timeout=10).status_code == 200
