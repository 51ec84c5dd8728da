"""One of several processes that present the same signatures at the same time."""

import random
import sys
import time
from pathlib import Path

from governance.identity.replay import spend_nonce
from governance.identity.request_signature import SignedRequest
from governance.kernel.database import Database
from governance.kernel.errors import Unauthenticated


def attempt(database: Database, signed: SignedRequest) -> bool:
    """Whether this one was the first."""
    try:
        database.write(lambda connection: spend_nonce(connection, signed))
    except Unauthenticated as error:
        assert error.code == "signature_replayed"
        return False
    return True


def main(url: str, gate: str, count: int, expires: int, seed: int) -> None:
    """Say how many of `count` signatures took effect here; each process in another order."""
    nonces = random.Random(seed).sample(range(count), count)
    database = Database(url)
    say("ready")
    while not Path(gate).exists():
        time.sleep(0.001)
    won = 0
    for nonce in nonces:
        signed = SignedRequest("key", f"nonce-{nonce}", expires - 30, expires, "base", bytes(64))
        won += attempt(database, signed)
    database.close()
    say(won)


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
