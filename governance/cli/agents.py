"""Commands for agents: add-agent, and `governance agents …`."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.cli.data import Commands, add_data, published
from governance.cli.roles import add_roles, give_roles

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from governance.client.signer import RequestSigner
    from governance.lifecycle.context import Context

ANY = ["*"]
# What the role `agent` may do; the ceiling keeps a wider role from reaching further.
ACTIONS = ["checkpoint:read", "generation:cancel", "generation:create", "generation:download"]
ACTIONS += ["generation:list", "generation:read", "mandate:read", "mandate:revoke", "model:list"]
ACTIONS += ["preflight:create", "budget:read", "production:read"]


def add_to(commands: Commands) -> None:
    made = commands.add_parser(
        "add-agent", help="make a key and an identity document for an agent, and register it"
    )
    made.add_argument("name")
    made.add_argument("--accountable", required=True, help="user name of who answers for it")
    made.add_argument("--key", type=Path, required=True, help="key file to write (PEM)")
    made.add_argument("--purpose", help="what it is for, in a sentence")
    made.add_argument("--parent", metavar="AGENT", help="the agent that it comes from")
    made.add_argument(
        "--days",
        type=int,
        choices=range(1, 91),
        default=90,
        metavar="DAYS",
        help="until the document expires (90)",
    )
    limits = made.add_argument_group("ceiling", "how far it may ever go; repeatable where plural")
    limits.add_argument("--action", action="append", help="object:action (what agents do)")
    limits.add_argument("--project", action="append", help="project (any)")
    limits.add_argument("--model", action="append", help="model, or vendor/* (any)")
    limits.add_argument("--territory", action="append", help="where it is shown (any)")
    limits.add_argument("--per-call", default="25", help="most that one generation costs (25)")
    limits.add_argument("--total", default="1000", help="most that all together cost (1000)")
    limits.add_argument("--currency", default="USD", help="ISO 4217 (USD)")
    add_roles(made)
    made.set_defaults(run=_add)

    group = commands.add_parser("agents", help="list, show, suspend, resume and revoke agents")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="id, state, end of the document, name")
    add_data(listed)
    listed.set_defaults(run=_list)
    for name, help_, run in (
        ("show", "print the identity document and its signatures", _show),
        ("suspend", "refuse an agent until it is resumed", _move),
        ("resume", "lift a suspension", _move),
        ("revoke", "refuse an agent for good", _move),
    ):
        action = actions.add_parser(name, help=help_)
        action.add_argument("agent", help="its id, agt_…")
        add_data(action)
        action.set_defaults(run=run, action=name)


def _add(options: argparse.Namespace) -> int:
    from governance.client import agent_document
    from governance.client.keyfile import create_key
    from governance.client.signer import RequestSigner
    from governance.identity import agents, people
    from governance.kernel.errors import Conflict
    from governance.ledger import SERVICE

    with published(options.data) as context:
        with context.database.read() as session:
            accountable = people.person_by_username(session, options.accountable).id
        try:
            signer = RequestSigner(create_key(options.key))
        except FileExistsError:
            raise Conflict(
                "key_exists",
                f"{options.key} exists, and a key is never overwritten. Name another file.",
            ) from None
        document = _document(options, context, accountable, signer)
        signed = agent_document.signed(document, [signer])

        def run(connection: "Connection") -> str:
            made = agents.register_agent(
                connection,
                context.ledger,
                document=document,
                signatures={one["keyid"]: one["sig"] for one in signed["signatures"]},
                organisation=context.settings.organisation,
                audience=context.settings.authority,
                by=SERVICE,
            )
            give_roles(connection, context, made, options.role)
            return made

        try:
            made = context.database.write(run)
        except Exception:
            options.key.unlink()  # a key that was never registered is good for nothing
            raise
    print(f"{made}\nKey: {options.key} (give it to the agent's program, never to a prompt)")
    return 0


def _document(
    options: argparse.Namespace, context: "Context", accountable: str, signer: "RequestSigner"
) -> dict[str, Any]:
    from governance.client import agent_document

    purpose = options.purpose or f"{options.name} asks for media"
    ceiling = {
        "actions": options.action or ACTIONS,
        "projects": options.project or ANY,
        "models": options.model or ANY,
        "territories": options.territory or ANY,
        "per_call": options.per_call,
        "total": options.total,
        "currency": options.currency,
    }
    return agent_document.draft(
        [signer],
        service=context.settings.base_url,
        organisation=context.settings.organisation,
        accountable=accountable,
        name=options.name,
        ceiling=ceiling if options.parent is None else {**ceiling, **_end(options, context)},
        days=options.days,
        parent=options.parent,
        purpose={"summary": purpose, "intended_use": purpose},
    )


def _end(options: argparse.Namespace, context: "Context") -> dict[str, Any]:
    """What comes from another agent ends with it."""
    from governance.identity import agents, documents

    with context.database.read() as session:
        parent = agents.agent_of(session, options.parent, context.settings.organisation)
        found = documents.find(session.connection(), parent.document or "")
    return {"until": found.body["grant_ceiling"]["until"]}


def _list(options: argparse.Namespace) -> int:
    from governance.identity import agents, documents

    with published(options.data) as context, context.database.read() as session:
        after = ""
        while page := agents.list_agents(session, context.settings.organisation, after=after):
            for agent in page:
                end = "no document"
                if agent.document:
                    found = documents.find(session.connection(), agent.document)
                    end = f"{found.expires:%Y-%m-%d}"
                print(f"{agent.id}  {agent.state:9}  {end}  {agent.name}")
            after = page[-1].id
    return 0


def _show(options: argparse.Namespace) -> int:
    from governance.identity import agents, documents
    from governance.kernel.errors import NotFound

    with published(options.data) as context, context.database.read() as session:
        agent = agents.agent_of(session, options.agent, context.settings.organisation)
        if agent.document is None:
            raise NotFound("document_unknown", f"{agent.id} has no identity document.")
        connection = session.connection()
        (line,) = documents.envelopes(connection, [agent.document]).values()
        body = documents.find(connection, agent.document).body
    shown = {"digest": agent.document, "state": agent.state, "document": body}
    signatures = json.loads(line)["signatures"]
    print(json.dumps({**shown, "signatures": signatures}, indent=2, ensure_ascii=False))
    return 0


def _move(options: argparse.Namespace) -> int:
    from governance.identity import agents
    from governance.ledger import SERVICE

    change = {
        "suspend": agents.suspend_agent,
        "resume": agents.resume_agent,
        "revoke": agents.revoke_agent,
    }[options.action]
    with published(options.data) as context:
        with context.database.read() as session:
            agents.agent_of(session, options.agent, context.settings.organisation)
        context.database.write(lambda c: change(c, context.ledger, options.agent, by=SERVICE))
    past = {"suspend": "suspended", "resume": "active again", "revoke": "revoked"}[options.action]
    print(f"{options.agent} is {past}, from its next request on.")
    return 0
