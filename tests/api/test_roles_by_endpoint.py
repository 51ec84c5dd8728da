"""Every role at every address: what policy.csv says is what the running service answers.

The file is read here by a few lines of the test's own, not by the product's snapshot.
"""

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from PIL import Image

from governance.api import events
from governance.api.permissions import Requirement, declaration_of
from governance.app import create_app
from governance.client.client import ApiKey
from governance.domain import Principal
from governance.evidence.story import State
from governance.identity import services, sessions
from governance.identity.sessions import COOKIE
from governance.kernel import clock
from governance.lifecycle import producing
from governance.policy import assignments, waivers
from governance.policy.authorization import ACTIONS
from governance.policy.waivers import Proposal
from governance.productions.terms import Terms, Texts
from tests.house import DOUBTFUL, PICTURE, POLICIES, small_policies
from tests.platform import ORGANISATION, Service, open_service

ROLES = ("administrator", "compliance_officer", "reviewer", "producer", "agent", "auditor")
EVERYTHING = tuple(f"{obj}:{act}" for obj, acts in ACTIONS.items() for act in acts)
ADMIN = "/v1/governance"
# Asked by the address of something else, when a body asks for more.
ASIDE = {"disclosure:read", "mandate:manage"}


@dataclass(frozen=True)
class Caller:
    """One column of the table: who calls, how, and which roles stand behind it."""

    name: str
    kind: str
    roles: tuple[str, ...]
    behind: tuple[str, ...] | None
    scopes: tuple[str, ...] | None
    options: dict[str, Any]


@dataclass(frozen=True)
class House:
    """A service with its callers; `given`: what stands for each parameter of a path."""

    app: FastAPI
    url: str
    callers: tuple[Caller, ...]
    given: dict[str, str]
    spare: str
    picture: bytes


class Rows:
    """`policy.csv`, asked in the plainest way."""

    def __init__(self) -> None:
        text = (POLICIES / "authorization" / "policy.csv").read_text("utf-8")
        lines = [line for line in text.splitlines() if line.startswith("p,")]
        self.rows = [[cell.strip() for cell in row] for row in csv.reader(lines)]

    def allow(self, roles: tuple[str, ...], is_person: bool, asked: Requirement) -> bool:
        holds = {"always": True, "is_person": is_person, "not_person": not is_person}
        effects = {
            effect
            for _, _, subject, _, obj, act, condition, effect in self.rows
            if (obj, act) == (asked.obj, asked.act)
            and (subject == "*" or subject.removeprefix("role:") in roles)
            and holds.get(condition, False)
        }
        return effects == {"allow"}

    def expect(self, caller: Caller, asked: Requirement) -> bool:
        if caller.scopes is not None and f"{asked.obj}:{asked.act}" not in caller.scopes:
            return False
        if not self.allow(caller.roles, caller.kind == "person", asked):
            return False
        return caller.behind is None or self.allow(caller.behind, True, asked)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("roles")
    service = open_service(
        folder / "data",
        policies_dir=small_policies(folder / "policies"),
        rate_limit="1000000/minute",
        rate_limit_expensive="1000000/minute",
        media_wait=0.001,  # no engine runs that could make anything
    )
    app = create_app(service.platform)
    people = {role: service.person(role) for role in ROLES}
    callers = [
        *(Caller(role, "person", (role,), None, None, signed_in(service, people[role]))
          for role in ROLES),
        Caller("nobody", "person", (), None, None, signed_in(service, service.person())),
        keyed(service, people["producer"], "producer", ("model:list",)),
        *(keyed(service, people[role], role, EVERYTHING) for role in ROLES[:3]),
        signing(service, people["producer"], "producer"),
        signing(service, people["producer"], "producer", "agent"),
        signing(service, people["reviewer"], "reviewer", "reviewer"),
        signing(service, people["administrator"], "administrator", "administrator"),
    ]  # fmt: skip
    yield House(
        app,
        service.context.settings.base_url,
        tuple(callers),
        *things(service),
        small_picture(),
    )
    service.close()


def signed_in(service: Service, person: Principal) -> dict[str, Any]:
    token = service.context.database.write(lambda c: sessions.start(c, person.id, absolute=3600))
    origin = service.context.settings.base_url
    return {"headers": {"Cookie": f"{COOKIE}={token}", "Origin": origin}}


def keyed(service: Service, person: Principal, role: str, scopes: tuple[str, ...]) -> Caller:
    """A service with a person's role and an API key for these scopes."""
    context = service.context
    made = context.database.write(
        lambda c: services.register_service(
            c,
            context.ledger,
            organisation=ORGANISATION,
            name="Somebody's service",
            accountable=person.id,
            scopes=scopes,
            expires_at=clock.now() + timedelta(days=1),
            by=person.id,
        )
    )
    service.grant(made.id, role)
    name = f"key of a {role}" if scopes == EVERYTHING else "key for the models alone"
    return Caller(name, "service", (role,), (role,), scopes, {"auth": ApiKey(made.key)})


def signing(service: Service, person: Principal, behind: str, *roles: str) -> Caller:
    """An agent with these roles, for which a person with that role answers."""
    principal, signer = service.agent(person)
    domain, context = f"org/{ORGANISATION}", service.context
    context.database.write(
        lambda c: assignments.revoke(
            c, context.ledger, context.policies.policy,
            subject=principal.id, role="role:agent", domain=domain, by="service",
        )
    )  # fmt: skip
    for role in roles:
        service.grant(principal.id, role)
    name = f"agent as {' '.join(roles) or 'nothing'}"
    return Caller(name, "agent", roles, (behind,), None, {"auth": signer})


def things(service: Service) -> tuple[dict[str, str], str]:
    """A generation under review and what there is about it; and a generation to be deleted."""
    requester = service.caller(service.person("producer"))
    generation = service.ask(DOUBTFUL, requester).id
    service.run(generation, State.IN_REVIEW)
    records = {record.event: record for record in service.records(generation)}
    review = records["review.opened"].body["review"]
    given = {
        "generation": generation,
        "video_id": generation,
        "review": review,
        "record": records["generation.requested"].id,
        "action": "suspend",
        "name": "night_desk",
        "waiver": waiver(service),
        "production": production(service),
        "old": "1",
    }
    return given, service.ask(PICTURE, requester).id


def waiver(service: Service) -> str:
    """An exception to a house rule that waits for a decision."""
    context, today = service.context, clock.now().date()
    policy = context.policies.policy
    rule = next(rule.matched.id for rule in policy.rules if rule.waivable)
    proposal = Proposal(rule, "reviewed_elsewhere", today, today)
    asking = service.person("producer")
    return context.database.write(
        lambda c: waivers.propose(c, context.ledger, policy, proposal, asking)
    )


def production(service: Service) -> str:
    terms = Terms("spring", "launch", ("EU",), clock.now().date())
    return producing.create(service.context, ORGANISATION, terms, Texts(), "service").production


def small_picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    return file.getvalue()


def addresses(app: FastAPI) -> list[tuple[str, RouteContext]]:
    """(method, route) of everything that programs can call."""
    return [
        (method, route)
        for route in iter_route_contexts(app.routes)
        if (route.path_format or "").startswith("/v1/")
        for method in sorted(route.methods or ())
    ]


def test_every_address_declares_what_it_requires(house: House) -> None:
    found = addresses(house.app)
    assert len(found) > 60
    undeclared = [
        (method, route.path)
        for method, route in found
        if not declaration_of(route.endpoint)  # type: ignore[arg-type]
    ]
    assert undeclared == []


def test_every_question_of_policy_is_asked_by_some_address(house: House) -> None:
    declared = [declaration_of(route.endpoint) for _, route in addresses(house.app)]  # type: ignore[arg-type]
    asked = {f"{one.obj}:{one.act}" for one in declared if isinstance(one, Requirement)}
    assert asked | ASIDE == set(EVERYTHING)


def test_every_role_at_every_address_gets_what_policy_says(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LONGEST", 0.0)  # a stream ends once it has told what was
    described = house.app.openapi()["paths"]
    rows = Rows()
    asked = [(m, r, declaration_of(r.endpoint)) for m, r in addresses(house.app)]  # type: ignore[arg-type]

    async def ask() -> list[str]:
        wrong = []
        for caller in house.callers:
            transport = httpx.ASGITransport(house.app)
            async with httpx.AsyncClient(
                transport=transport, base_url=house.url, **caller.options
            ) as client:
                for method, route, declared in asked:
                    sent = arguments(house, described, method, route)
                    answer = await client.request(method, **sent)
                    is_refused = refuses(answer, declared)
                    expected = not isinstance(declared, Requirement) or rows.expect(
                        caller, declared
                    )
                    if is_refused == expected:
                        wrong.append(
                            f"{caller.name}, {method} {route.path}: {answer.status_code} "
                            f"{answer.text[:200]}"
                        )
        return wrong

    assert asyncio.run(ask()) == []


def arguments(
    house: House, described: dict[str, Any], method: str, route: RouteContext
) -> dict[str, Any]:
    """A request that gets as far as the question who may; the examples are its bodies."""
    path = str(route.path_format)
    operation = described.get(path, {}).get(method.lower(), {})
    given = {**house.given, **({"video_id": house.spare} if method == "DELETE" else {})}
    address = re.sub(r"{(\w+)}", lambda match: given.get(match[1], f"{match[1]}_unknown"), path)
    sent: dict[str, Any] = {"url": address}
    if any(p["in"] == "query" and p["required"] for p in operation.get("parameters", ())):
        sent["params"] = {"generation": given["generation"], "old": "1"}
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        sent["json"] = example(content["application/json"], house.app.openapi())
    elif content:
        schema = content.get("multipart/form-data", {}).get("schema", {})
        field = next(iter(schema.get("properties", ["file"])))
        fields = {"governance": '{"project": "launch", "territories": ["EU"]}'}
        if "prompt" in schema.get("required", ()):
            fields["prompt"] = "the same at dawn"
        sent |= {"files": {field: house.picture}, "data": fields}
    return sent


def example(content: dict[str, Any], described: dict[str, Any]) -> Any:
    if "example" in content:
        return content["example"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    return described["components"]["schemas"][name]["example"]


def refuses(answer: httpx.Response, declared: Any) -> bool:
    """Whether policy was asked what the address declares, and said no."""
    assert answer.status_code not in (401, 429, 500), answer.text
    if answer.status_code != 403 or not isinstance(declared, Requirement):
        return False
    if not answer.content:  # HEAD
        return True
    error = answer.json()["error"]
    return error["code"] == "access_denied" and f" {declared.obj}:{declared.act} " in str(
        error["message"]
    )
