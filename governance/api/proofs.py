"""What a person's passkey signs: the statement that is asked for, the proof that comes back."""

from typing import Any

import orjson
from pydantic import ConfigDict, Field

from governance.api.calls import Call
from governance.api.requests import Body
from governance.evidence import assertion
from governance.evidence.assertion import Assertion
from governance.evidence.encoding import decode64url, encode64url
from governance.evidence.errors import EvidenceError
from governance.identity import passkeys
from governance.kernel.errors import InvalidRequest

_TEXT = r"^[A-Za-z0-9_-]+$"


class ProofBody(Body):
    """What `navigator.credentials.get` answered to the statement's options; all base64url."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "credential": "A" * 43,
                "authenticator_data": "A" * 50,
                "client_data_json": "A" * 200,
                "signature": "A" * 86,
            }
        }
    )

    credential: str = Field(pattern=_TEXT, max_length=1364)
    authenticator_data: str = Field(pattern=_TEXT, max_length=2048)
    client_data_json: str = Field(pattern=_TEXT, max_length=4096)
    signature: str = Field(pattern=_TEXT, max_length=256)

    def assertion(self) -> Assertion:
        """Raises InvalidRequest (`base64_invalid`)."""
        try:
            return Assertion(
                self.credential,
                decode64url(self.authenticator_data, "authenticator_data"),
                decode64url(self.client_data_json, "client_data_json"),
                decode64url(self.signature, "signature"),
            )
        except EvidenceError as error:
            raise InvalidRequest("base64_invalid", error.message, param="proof") from None


def to_sign(call: Call, statement: dict[str, Any]) -> dict[str, Any]:
    """The statement, the challenge it makes, and the options for `navigator.credentials.get`."""
    challenge = assertion.challenge(statement)
    site = passkeys.site_of(call.context.settings.base_url)
    with call.context.database.read() as session:
        options = passkeys.statement_options(
            session.connection(), site, call.principal.id, challenge
        )
    return {
        "object": "statement",
        "statement": statement,
        "challenge": encode64url(challenge),
        "options": orjson.loads(options),
    }
