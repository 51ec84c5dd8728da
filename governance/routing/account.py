"""How one organisation reaches one vendor."""

from dataclasses import dataclass, field

from pydantic import SecretStr

NONE = SecretStr("")


@dataclass(frozen=True)
class Account:
    """Empty fields are unset. key: the API key or token; secret: the other half where a vendor has
    pairs; base_url: where the vendor isn't at its usual address; project, location: of a cloud.
    trusted: hosts that base_url may name though they lie in a private network; None: any, as the
    operator's own account may.
    """

    key: SecretStr = field(default=NONE, repr=False)
    secret: SecretStr = field(default=NONE, repr=False)
    base_url: str = ""
    project: str = ""
    location: str = ""
    trusted: frozenset[str] | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, wherever it turns up."""
        held = (self.key.get_secret_value(), self.secret.get_secret_value())
        return tuple(secret for secret in held if secret)
