"""The real service on a port of loopback: people in roles, programs with their credentials."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import or_
from sqlmodel import col, select

from governance.app import create_app
from governance.client import agent_document
from governance.client.client import ApiKey
from governance.client.signer import RequestSigner
from governance.domain import Principal
from governance.identity import people, sessions
from governance.identity.sessions import COOKIE
from governance.kernel import clock, ids
from governance.ledger.tables import LogRecord
from governance.lifecycle.tables import Generation
from governance.policy import assignments, domain_of
from governance.simulators.openai_videos import SimulatedVendor
from tests.documents import drafted
from tests.house import small_policies
from tests.platform import ORGANISATION, Service, open_service
from tests.web.serving import running

# In every prompt, so that a test sees where a prompt goes.
CANARY = "zyxquil"
ELSEWHERE = "elsewhere"
JSON_LIMIT, UPLOAD_LIMIT = 64 * 1024, 2 * 1024 * 1024
# A tiny picture for which nobody is asked, so it is released at once.
PICTURE: dict[str, Any] = {
    "media": "image",
    "model": "local/procedural-image",
    "prompt": f"a calm sea at dusk, {CANARY}",
    "size": "128x128",
    "governance": {
        "project": "launch",
        "territories": ["EU"],
        "audience": "internal",
        "deep_fake": "no",
        "real_person": "no",
    },
}


@dataclass
class Site:
    """A running service and everybody who calls it. `policies`: its policy folder."""

    url: str
    service: Service
    vendor: SimulatedVendor
    stack: ExitStack
    principals: dict[str, Principal] = field(default_factory=dict)
    signers: dict[str, RequestSigner] = field(default_factory=dict)
    clients: dict[str, httpx.Client] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> httpx.Client:
        """Somebody's HTTP client: signed in, signing, or with an API key."""
        return self.clients[name]

    @property
    def authority(self) -> str:
        return self.url.removeprefix("http://")

    def client(self, **options: Any) -> httpx.Client:
        """A client without credentials."""
        http = httpx.Client(base_url=self.url, timeout=30, **options)
        return self.stack.enter_context(http)

    def hire(self, name: str, *roles: str, organisation: str = ORGANISATION) -> None:
        """A person who is signed in, in a browser that this service's pages came to."""
        made = self._write(
            lambda c: people.add_person(
                c,
                self.service.context.ledger,
                organisation=organisation,
                username=ids.new_id("u"),
                name="Somebody",
                by="service",
            )
        )
        for role in roles:
            self.grant(made.id, role, organisation)
        self.admit(name, made.id, organisation)

    def admit(self, name: str, person: str, organisation: str = ORGANISATION) -> None:
        """Sign a person in."""
        token = self._write(lambda c: sessions.start(c, person, absolute=3600))
        self.principals[name] = Principal("person", person, organisation, person, "C", (person,))
        headers = {"Cookie": f"{COOKIE}={token}", "Origin": self.url}
        self.clients[name] = self.client(headers=headers)

    def grant(
        self, subject: str, role: str, organisation: str = ORGANISATION, project: str = ""
    ) -> None:
        self._write(
            lambda c: assignments.grant(
                c,
                self.service.context.ledger,
                self.service.context.policies.policy,
                subject=subject,
                role=f"role:{role}",
                domain=domain_of(organisation, project),
                by="service",
            )
        )

    def enlist(self, name: str, *roles: str) -> None:
        """An agent of the producer's, registered over HTTP, that signs its requests."""
        signer = RequestSigner(ids.random_bytes(32))
        answer = self["admin"].post("/v1/governance/agents", json=self.registration(signer, name))
        assert answer.status_code == 201, answer.text
        for role in roles:
            self.grant(answer.json()["id"], role)
        accountable = self.principals["producer"].id
        agent = answer.json()["id"]
        chain = (accountable, agent)
        self.principals[name] = Principal("agent", agent, ORGANISATION, accountable, "A", chain)
        self.signers[name] = signer
        self.clients[name] = self.client(auth=signer)

    def registration(
        self, signer: RequestSigner, name: str = "agent", **changes: Any
    ) -> dict[str, Any]:
        """The body that registers an agent; `changes` to `agent_document.draft`."""
        given = {
            "service": self.url,
            "organisation": ORGANISATION,
            "accountable": self.principals["producer"].id,
            "name": name,
        }
        document = drafted(signer, **{**given, **changes})
        return agent_document.signed(document, [signer])

    def employ(self, name: str, scopes: list[str], *roles: str, by: str = "producer") -> None:
        """A service with an API key, made over HTTP; `by`: who answers for it."""
        body = {
            "name": name,
            "accountable": self.principals[by].id,
            "scopes": scopes,
            "expires_at": clock.rfc3339(clock.now() + timedelta(days=30)),
        }
        answer = self["admin"].post("/v1/governance/services", json=body)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        for role in roles:
            self.grant(made["id"], role)
        self.keys[name] = made["api_key"]
        self.clients[name] = self.client(auth=ApiKey(made["api_key"]))

    def signed(self, name: str, method: str, path: str, **options: Any) -> httpx.Request:
        """A request with an agent's signature, to be sent by a client without credentials."""
        request = httpx.Request(method, self.url + path, **options)
        request.read()
        sent: httpx.Request = next(self.signers[name].auth_flow(request))
        return sent

    def create(self, name: str = "agent", **changes: Any) -> dict[str, Any]:
        """Ask for a picture; `changes` to what governance is told."""
        body = {**PICTURE, "governance": {**PICTURE["governance"], **changes}}
        answer = self[name].post("/v1/governance/generations", json=body)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def consent(self, **changes: Any) -> str:
        """The id of a consent that the producer has registered."""
        body = {
            "name": f"Mara Lindqvist {CANARY}",
            "document": "a" * 64,
            "covers": "likeness",
            "media": ["image", "video"],
            "projects": ["*"],
            "territories": ["EU"],
            "until": "2099-12-31",
        }
        answer = self["producer"].post("/v1/governance/consents", json={**body, **changes})
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["id"]
        return made

    def wait(self, generation: str, state: str) -> dict[str, Any]:
        """Poll as the officer does until a generation is in a state; its video object."""
        deadline = time.monotonic() + 30
        while True:
            video: dict[str, Any] = self["officer"].get(f"/v1/videos/{generation}").json()
            if video["governance"]["state"] == state:
                return video
            assert time.monotonic() < deadline, video
            time.sleep(0.02)

    def released(self, **changes: Any) -> dict[str, Any]:
        """A new picture that has been released."""
        return self.wait(self.create(**changes)["id"], "released")

    def settle(self) -> None:
        """Wait until the engine has nothing to do now."""
        deadline = time.monotonic() + 30
        while self._is_busy():
            assert time.monotonic() < deadline, "the engine does not come to rest"
            time.sleep(0.02)

    @contextmanager
    def recorded(self, *events: str) -> Iterator[None]:
        """Exactly these events are added to the log meanwhile."""
        self.settle()
        before = self._log()
        yield
        self.settle()
        after = self._log()
        assert sorted(after[key] for key in after.keys() - before.keys()) == sorted(events)

    def _is_busy(self) -> bool:
        due = or_(col(Generation.wake_at) <= clock.now(), col(Generation.leased).is_(True))
        with self.service.context.database.read() as session:
            return session.exec(select(Generation.id).where(due)).first() is not None

    def _log(self) -> dict[str, str]:
        with self.service.context.database.read() as session:
            return dict(session.exec(select(LogRecord.id, LogRecord.event)).all())

    def _write(self, change: Any) -> Any:
        return self.service.context.database.write(change)


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """The service with its whole cast; at the end the log must agree with the tables."""
    opened: list[Service] = []
    with ExitStack() as stack:
        vendor = stack.enter_context(SimulatedVendor())

        def make_app(url: str) -> FastAPI:
            service = open_service(
                folder / "data",
                policies_dir=small_policies(folder / "policies"),
                public_url=url,
                engine=True,
                poll_interval=0.1,
                checkpoint_interval=0.1,
                max_json_body=JSON_LIMIT,
                max_upload=UPLOAD_LIMIT,
                check_hosts="127.0.0.1",
                webhook_hosts="127.0.0.1",
                provider_hosts="127.0.0.1",
                providers={"openai-videos": {"base_url": vendor.url, "key": vendor.key}},
            )
            opened.append(service)
            return create_app(service.platform)

        url = stack.enter_context(running(make_app))
        service = opened[0]
        service.platform.start()
        stack.callback(service.close)
        clients = stack.enter_context(ExitStack())
        site = Site(url, service, vendor, clients)
        _hire_everybody(site)
        yield site
        site.settle()


def _hire_everybody(site: Site) -> None:
    first = site.service.platform.first
    assert first is not None
    site.admit("admin", first.id)
    site.hire("producer", "producer")
    site.hire("reviewer", "reviewer")
    site.hire("second", "reviewer")
    site.hire("officer", "compliance_officer")
    site.hire("auditor", "auditor")
    site.hire("nobody")
    site.hire("stranger", "producer", "reviewer", "auditor", organisation=ELSEWHERE)
    site.enlist("agent", "agent")
    site.enlist("intern")
    site.employ("service", ["generation:create", "generation:read"], "producer")
    site.clients["visitor"] = site.client()


def refusal(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """What every refusal has: a stable code, a sentence, a request id; never the prompt."""
    assert answer.status_code == status, answer.text
    assert CANARY not in answer.text
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-request-id"].startswith("req_")
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code, error
    assert len(error["message"]) > 12
    return error
