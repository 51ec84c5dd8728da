"""Signatures as receivers check them: by the standard's own steps, and by the official client."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import openai
import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence.story import State, Story
from governance.notifications import messages, signing

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
# The example of the specification, computed with its reference implementation.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_of_the_specification_has_its_signature() -> None:
    moment = datetime.fromtimestamp(1614265330, UTC)
    headers = signing.headers(
        SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(max_size=200))
def test_any_body_verifies_by_the_steps_of_the_standard(body: bytes) -> None:
    secret = signing.new_secret()
    headers = signing.headers(secret, "evt_1", NOW, body)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.split("_", 1)[1])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert 24 <= len(key) <= 64


@freeze_time(NOW)
@pytest.mark.parametrize(
    ("event", "state"), [("video.completed", State.RELEASED), ("video.failed", State.WITHHELD)]
)
def test_the_official_client_unwraps_what_it_knows(event: str, state: State) -> None:
    request = {"organisation": "acme", "project": "film", "media": "video"}
    told = Story(id="gen_1", state=state, request=request, changed_at="2026-11-23T10:00:00Z")
    body, secret = messages.body("evt_1", event, told), signing.new_secret()
    headers = signing.headers(secret, "evt_1", NOW, body)
    client = openai.OpenAI(api_key="-", webhook_secret=secret)
    unwrapped = client.webhooks.unwrap(body, headers)
    assert (unwrapped.type, unwrapped.data.id) == (event, "gen_1")  # type: ignore[union-attr]
    for spoilt in (body + b" ", body.replace(b"gen_1", b"gen_2")):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(spoilt, headers)
