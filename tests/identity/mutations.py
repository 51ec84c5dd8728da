"""Requests that a random number generator has signed, and then spoilt in one or two places."""

import random
from collections.abc import Callable

from governance.identity.request_signature import ReceivedRequest
from tests.identity.attacks import ATTACKS, Stage, Wire
from tests.identity.forging import BODY, JSON

STAGE = Stage()
NAMES = list(ATTACKS)
COVERABLE = (
    ("Idempotency-Key", "order-7"),
    ("Gov-Delegation", "eyJhIjoxfQ"),
    ("X-Governance-Project", "spring"),
    ("X-Governance-Deep-Fake", "yes"),
    ("Content-Encoding", "identity"),
)
IDLE = (("User-Agent", "bot/1"), ("Accept", "*/*"), ("X-Request-Id", "r-1"), ("X-Governance", "x"))
LETTERS = "abcXYZ0189 \t\"'();:,=@?*%-_./\\~+é\n\0"
PATHS = ("/v1/videos", "/v1/videos/a%2Fb", "/", "/v1/a;b=1", "/v1/governance/generations", "//x")
QUERIES = ("", "a=1", "a=1&a=2", "q=%20+&q=", "?", "a=/:@")


def honest(rng: random.Random) -> Wire:
    """A signed request of some shape; every tenth has a lifetime or skew of some length."""
    with_body = rng.random() < 0.7
    headers = [JSON] if with_body or rng.random() < 0.2 else []
    headers += rng.sample(COVERABLE, rng.randrange(3)) + rng.sample(IDLE, rng.randrange(2))
    parameters: dict[str, str | None] = {}
    if rng.random() < 0.1:
        created = STAGE.now(rng.randint(-70, 8))
        life = rng.choice([0, 1, 30, 60, 61])
        parameters = {"created": str(created), "expires": str(created + life)}
    if rng.random() < 0.1:
        parameters["alg"] = '"ed25519"'
    wire = STAGE.sign(
        method=rng.choice(["GET", "POST", "PUT", "DELETE", "PATCH"]),
        path=rng.choice(PATHS),
        query=rng.choice(QUERIES),
        headers=tuple(headers),
        body=BODY[: rng.randint(1, len(BODY))] if with_body else b"",
        parameters=parameters,
        key=STAGE.key if rng.random() < 0.9 else STAGE.other,
        label=rng.choice(["gov", "sig1", "a"]),
    )
    if rng.random() < 0.1:
        wire = wire.adding(
            ("Signature-Input", 'edge=("@method");tag="edge"'), ("Signature", "edge=:AA==:")
        )
    return wire


def garble(rng: random.Random, text: str) -> str:
    """A few letters put in, taken out, exchanged, or in the other case."""
    at = rng.randint(0, len(text))
    cut = rng.choice([0, 0, 1, 1, 2, 8])
    put = "".join(rng.choices(LETTERS, k=rng.choice([0, 1, 1, 2])))
    if rng.random() < 0.15:
        return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
    return text[:at] + put + text[at + cut :]


def garble_header(rng: random.Random, wire: Wire) -> Wire:
    index = rng.randrange(len(wire.headers))
    name, value = wire.headers[index]
    changed = (name, garble(rng, value))
    return wire.but(headers=(*wire.headers[:index], changed, *wire.headers[index + 1 :]))


def garble_signature(rng: random.Random, wire: Wire) -> Wire:
    name = rng.choice(["signature-input", "signature-input", "signature"])
    return wire.saying(name, garble(rng, wire.header(name)))


def shuffle_headers(rng: random.Random, wire: Wire) -> Wire:
    return wire.but(headers=tuple(rng.sample(wire.headers, len(wire.headers))))


def respell_names(rng: random.Random, wire: Wire) -> Wire:
    change = rng.choice([str.lower, str.upper, str.title])
    return wire.but(headers=tuple((change(name), value) for name, value in wire.headers))


def pad_values(rng: random.Random, wire: Wire) -> Wire:
    """Space around a value, which is no part of it; not in the two headers of the signature."""
    pads = [rng.choice(["", " ", "\t", "  "]) for _ in wire.headers]
    return wire.but(
        headers=tuple(
            (name, value if "signature" in name.lower() else f"{pad}{value}{pad}")
            for pad, (name, value) in zip(pads, wire.headers, strict=True)
        )
    )


def add_header(rng: random.Random, wire: Wire) -> Wire:
    return wire.adding(rng.choice((*COVERABLE, *IDLE, JSON, rng.choice(wire.headers))))


def drop_header(rng: random.Random, wire: Wire) -> Wire:
    kept = list(wire.headers)
    kept.pop(rng.randrange(len(kept)))
    return wire.but(headers=tuple(kept))


def change_line(rng: random.Random, wire: Wire) -> Wire:
    part = rng.choice(["method", "path", "query"])
    return wire.but(**{part: garble(rng, getattr(wire, part)).replace("\0", "")})


def change_body(rng: random.Random, wire: Wire) -> Wire:
    return wire.but(body=rng.choice([b"", wire.body + b" ", wire.body[:-1], BODY]))


def leave(rng: random.Random, wire: Wire) -> Wire:
    return wire


MUTATIONS: tuple[Callable[[random.Random, Wire], Wire], ...] = (
    garble_header,
    garble_signature,
    garble_signature,
    shuffle_headers,
    respell_names,
    pad_values,
    add_header,
    drop_header,
    change_line,
    change_body,
    leave,
    leave,
)


def request(rng: random.Random) -> tuple[ReceivedRequest, bytes]:
    """A request and its body: honest, spoilt, or one of the named attacks spoilt once more."""
    wire = ATTACKS[rng.choice(NAMES)][0](STAGE) if rng.random() < 0.2 else honest(rng)
    for _ in range(rng.choice([1, 1, 2])):
        wire = rng.choice(MUTATIONS)(rng, wire) if has_signature(wire) else wire
    return wire.received(), wire.body


def has_signature(wire: Wire) -> bool:
    return {"signature", "signature-input"} <= {name.lower() for name, _ in wire.headers}
