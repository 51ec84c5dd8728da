"""The agents ask: what policy permits is made, what it refuses is explained."""

import time
from functools import partial
from pathlib import Path
from typing import Any

from governance.demo.cast import Cast, refused
from governance.demo.orders import ACCEPTED, REFUSED, Order
from governance.demo.screen import Screen
from governance.demo.stage import Stage

TIMEOUT = 120.0
RESTING = {"in_review", "released", "unknown", "failed", "withheld"}
EXPLAINED = 11  # sentences of a decision, of which the last names what decided
RECEIPT = "coast.receipt.jsonl"


def ask(screen: Screen, players: Cast, folder: Path) -> dict[str, str]:
    """Make all requests; returns the ids of those that were accepted."""
    screen.act("2  Nine requests, each signed by its agent")
    asked: dict[str, str] = {}
    for order in ACCEPTED:
        agent, made = players.agent(order), _create(players, order)
        asked[order.name] = made["id"]
        screen.step(f"{order.name:<10} {agent.name:<17} {order.said}")
        if agent is players.colour:
            agent.client.receipt(made["id"], made["governance"]["receipt"], folder / RECEIPT)
            screen.fact("It keeps the receipt: the decision as the service has signed it.")
    for order in REFUSED:
        refusal = refused(order.ends, partial(_create, players, order))
        screen.step(f"{order.name:<10} {players.agent(order).name:<17} {order.said}", good=False)
        if "generation" in refusal.details:
            _explain(screen, players, refusal.details["generation"])
    return asked


def settle(screen: Screen, stage: Stage, players: Cast, asked: dict[str, str]) -> None:
    """Wait until every request waits for a person or has ended."""
    screen.act("   What policy asked for, and where they stand")
    deadline = time.monotonic() + TIMEOUT
    for order in ACCEPTED:
        generation = asked[order.name]
        while (now := players.state(generation))["state"] not in RESTING:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{generation} did not settle")
            time.sleep(0.2)
        screen.step(f"{order.name:<10} {now['state']}")
        if order.is_shown:
            screen.fact(f"duties: {', '.join(now['duties'])}")
    lost = players.state(asked["train"])
    posts = stage.vendor.posts(asked["train"])
    screen.fact(
        f"The order of the train was sent {posts} time; it is never repeated blindly, and "
        f"{_money(lost['held'])} stay held until a person has found out."
    )


def _create(players: Cast, order: Order) -> dict[str, Any]:
    return players.agent(order).client.create(
        order.media,
        order.prompt,
        model=order.model,
        seconds=order.seconds,
        size=order.size,
        metadata=order.metadata(players.consent),
    )


def _explain(screen: Screen, players: Cast, generation: str) -> None:
    """How `governance policies explain` begins: who asked for what, and why it was refused."""
    told = players.officer.get(f"/v1/governance/generations/{generation}/explanation")
    sentences = told["decisions"][0]["sentences"]
    screen.fact(" ".join(sentences[:EXPLAINED]))
    left = len(sentences) - EXPLAINED
    screen.fact(f"({left} more sentences: governance policies explain {generation})")


def _money(amount: dict[str, str] | None) -> str:
    return f"{amount['amount']} {amount['currency']}" if amount else "no money"
