"""The cast: people who sign in, agents that sign their requests; all over HTTP."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from governance.client import agent_document
from governance.client.client import GovernanceApiError, GovernanceClient
from governance.client.delegation import delegate
from governance.client.keyfile import create_key
from governance.client.signer import RequestSigner
from governance.demo.orders import PROJECT, Order
from governance.demo.stage import ORGANISATION, Stage
from governance.identity.sessions import COOKIE
from governance.kernel import clock, ids

DOMAIN = f"org/{ORGANISATION}"
CONSENT_LIFE = timedelta(days=365)
MANDATE_LIFE = timedelta(days=7)
# How far any of the agents may ever go.
CEILING = {
    "actions": ["*"],
    "projects": ["*"],
    "models": ["*"],
    "territories": ["*"],
    "per_call": "100",
    "total": "10000",
    "currency": "USD",
}
# What the producer lets an agent do, and what is left of it when that one hands it on.
MANDATE = {
    "actions": ["checkpoint:read", "generation:create", "generation:download", "generation:read"],
    "projects": [PROJECT],
    "models": ["*"],
    "territories": ["EU"],
    "per_call": "5",
    "total": "200",
    "currency": "USD",
}
NARROWED = {"models": ["local/*"], "per_call": "1", "total": "20"}


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    id: str
    name: str
    http: httpx.Client

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._checked(self.http.post(path, json=body)).json()
        return answer

    def get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._checked(self.http.get(path)).json()
        return answer

    def fetch(self, path: str, body: dict[str, Any]) -> bytes:
        return self._checked(self.http.post(path, json=body, timeout=120)).content

    def send(self, path: str, file: Path) -> dict[str, Any]:
        """A file as form field `file`."""
        with file.open("rb") as stream:
            sent = self.http.post(path, files={"file": (file.name, stream)}, timeout=60)
        answer: dict[str, Any] = self._checked(sent).json()
        return answer

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.is_error:
            raise RuntimeError(f"{self.name}: {response.status_code} {response.text}")
        return response


@dataclass(frozen=True)
class Agent:
    """A program with its own key, and the person who answers for it."""

    id: str
    name: str
    signer: RequestSigner
    client: GovernanceClient


@dataclass(frozen=True)
class Cast:
    """Everybody, and the id of the consent that is registered."""

    admin: Person
    producer: Person
    officer: Person
    reviewers: tuple[Person, Person]
    storyboard: Agent
    colour: Agent
    social: Agent
    intern: Agent
    consent: str

    def agent(self, order: Order) -> Agent:
        """Who asks for it."""
        agent: Agent = getattr(self, order.agent)
        return agent

    def state(self, generation: str) -> dict[str, Any]:
        """Where it stands, as the officer sees it."""
        video = self.officer.get(f"/v1/videos/{generation}")
        governance: dict[str, Any] = video["governance"]
        return governance


def administrator(stage: Stage) -> Person:
    """Sign in with the one-time password, which only serves to choose another."""
    return _enter(stage, "", "First administrator", "admin", stage.password)


def hire(stage: Stage, admin: Person, name: str, role: str) -> Person:
    """An account, a role, a first sign-in."""
    username = name.split()[0].lower()
    made = admin.post("/v1/governance/people", {"username": username, "name": name})
    give_role(admin, made["id"], role)
    return _enter(stage, made["id"], name, username, made["one_time_password"])


def register(
    stage: Stage,
    admin: Person,
    name: str,
    accountable: Person,
    keys: Path,
    *,
    role: str | None = "agent",
    parent: Agent | None = None,
) -> Agent:
    """A key of the agent's own, registered with the identity document that it signs."""
    signer = RequestSigner(create_key(keys / f"{name}.pem"))
    document = agent_document.draft(
        [signer],
        service=stage.url,
        organisation=ORGANISATION,
        accountable=accountable.id,
        name=name,
        ceiling=CEILING,
        days=30 if parent else 60,  # a parent has to outlive what comes from it
        parent=parent.id if parent else None,
    )
    made = admin.post("/v1/governance/agents", agent_document.signed(document, [signer]))
    if role is not None:
        give_role(admin, made["id"], role)
    client = GovernanceClient(stage.url, auth=signer, root=stage.root)
    return Agent(made["id"], name, signer, client)


def hand_on(person: Person, agent: Agent, sub_agent: Agent) -> None:
    """A mandate from a person to an agent, which narrows it for the agent below it, offline."""
    until = f"{clock.now() + MANDATE_LIFE:%Y-%m-%dT%H:%M:%SZ}"
    grant = {**MANDATE, "until": until}
    mandate = {"agent": agent.id, "grant": grant, "depth": 1}
    given = person.post("/v1/governance/mandates", mandate)["chain"]
    key = sub_agent.signer.public_key
    sub_agent.signer.delegation = delegate(
        given, agent.signer, agent=sub_agent.id, key=key, narrowed=NARROWED
    )


def register_consent(producer: Person, name: str) -> str:
    """The id of the consent that a person has signed; the form itself stays with the producer."""
    form = f"I, {name}, agree to be shown in films of the project {PROJECT}."
    made = producer.post(
        "/v1/governance/consents",
        {
            "name": name,
            "document": hashlib.sha256(form.encode()).hexdigest(),
            "covers": "likeness",
            "media": ["video", "image"],
            "projects": [PROJECT],
            "territories": ["EU"],
            "until": (clock.now() + CONSENT_LIFE).date().isoformat(),
        },
    )
    return str(made["id"])


def give_role(admin: Person, subject: str, role: str) -> None:
    body = {"subject": subject, "role": f"role:{role}", "domain": DOMAIN}
    admin.post("/v1/governance/roles", body)


def refused(expected: str, call: Callable[[], object]) -> GovernanceApiError:
    """What the service said when it refused a call with the code that is expected."""
    try:
        call()
    except GovernanceApiError as error:
        if error.code == expected:
            return error
        raise
    raise RuntimeError(f"the service should have refused this with {expected}")


def code(refusal: GovernanceApiError) -> str:
    return f"{refusal.status} {refusal.code}"


def _enter(stage: Stage, person: str, name: str, username: str, one_time: str) -> Person:
    password = ids.secret_text(16)
    http = httpx.Client(base_url=stage.url, headers={"Origin": stage.url}, timeout=30)
    form = {"username": username, "old": one_time, "new": password, "again": password}
    response = http.post("/password", data=form)
    token = response.cookies.get(COOKIE)
    if token is None:
        raise RuntimeError(f"{name} could not sign in: {response.status_code}")
    http.cookies.clear()
    http.headers["Cookie"] = f"{COOKIE}={token}"
    return Person(person, name, http)
