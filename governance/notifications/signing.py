"""Signatures of Standard Webhooks, scheme `v1`: HMAC-SHA256 over id, time and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
from datetime import datetime

from governance.kernel import ids

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """`whsec_` and 32 bytes in base64, as receivers configure it."""
    return PREFIX + base64.b64encode(ids.random_bytes(SECRET_BYTES)).decode()


def headers(secret: str, message: str, moment: datetime, body: bytes) -> dict[str, str]:
    """The three headers that go with a body. message: its id, the same at each attempt."""
    timestamp = str(int(moment.timestamp()))
    signed = b".".join((message.encode(), timestamp.encode(), body))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
