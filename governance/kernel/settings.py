"""Configuration: environment variables with the prefix `GOVERNANCE_`, listed in the README."""

from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from governance.kernel.errors import ConfigurationError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Calls in a moving span of time.
Rate = Annotated[
    str,
    Field(
        pattern=r"^[1-9][0-9]{0,6}/(second|minute|hour)$",
        description="a number per second, minute or hour, such as 600/minute",
    ),
]
Seconds = Annotated[float, Field(gt=0, le=10 * 366 * 86400)]


def packaged(folder: str) -> Path:
    """`policies` or `report_templates`: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_data" / folder
    return inside if inside.is_dir() else package.parent / folder


class ProviderSettings(BaseModel):
    """The operator's account with one vendor, for organisations without one of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    base_url: str = Field(
        "",
        pattern=r"^(https?://[^/?#@\s]+(/[^?#\s]*)?)?$",
        description="an address such as https://videos.example/v1",
    )
    project: str = ""
    location: str = ""


class Settings(BaseSettings):
    """Every setting of the service. Durations in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(
        env_prefix="GOVERNANCE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_dir: Path = Path("data")
    database_url: str = Field(
        "",
        pattern=r"^(sqlite:///|postgresql\+psycopg://|$)",
        description="sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME",
    )
    policies_dir: Path = Field(default_factory=lambda: packaged("policies"))
    report_templates_dir: Path = Field(default_factory=lambda: packaged("report_templates"))

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^/?#@\s]+/?)?$",
        description="an address without a path, such as https://governance.example",
    )
    organisation: str = Field(
        "default",
        pattern="^[a-z0-9][a-z0-9._-]{0,63}$",
        description="1 to 64 small letters, digits, dots, dashes; first a letter or digit",
    )
    log_origin: str = Field(
        "",  # as the keys say; of a new service: governance.local/log
        pattern=r"^[^\s+]{0,200}$",
        description="a name without spaces and plus signs, such as governance.example/log",
    )

    checkpoint_interval: float = Field(1.0, gt=0, le=10)
    engine: bool = True
    engine_threads: int = Field(2, ge=1, le=32)
    vendor_threads: int = Field(64, ge=1, le=512)
    lease: Seconds = 120.0
    poll_interval: Seconds = 2.0
    generation_deadline: Seconds = 3600.0
    media_wait: Seconds = 120.0

    max_json_body: int = Field(256 * 1024, gt=0)
    max_input: int = Field(16 * 1024 * 1024, gt=0)
    max_upload: int = Field(512 * 1024 * 1024, gt=0)
    min_free_disk: int = Field(256 * 1024 * 1024, ge=0)

    rate_limit: Rate = "600/minute"
    rate_limit_expensive: Rate = "30/minute"
    rate_limit_detect: Rate = "30/minute"
    max_detections: int = Field(2, ge=1, le=64)
    recheck_percent: int = Field(5, ge=0, le=100)
    recheck_interval: Seconds = 30 * 86400.0
    check_hosts: str = Field(
        "",
        pattern=r"^([a-z0-9.-]{1,253}(,[a-z0-9.-]{1,253}){0,63})?$",
        description="host names with commas between, such as media.example,cdn.example",
    )

    webhook_hosts: str = Field(
        "",
        pattern=r"^([a-z0-9.-]{1,253}(,[a-z0-9.-]{1,253}){0,63})?$",
        description="host names with commas between, such as pipeline.internal",
    )

    review_expiry: Seconds = 7 * 86400.0
    claim_expiry: Seconds = 1800.0
    session_idle: Seconds = 1800.0
    session_absolute: Seconds = 43200.0
    step_up: Seconds = 1800.0

    providers: dict[str, ProviderSettings] = {}
    provider_hosts: str = Field(
        "",
        pattern=r"^([a-z0-9.:-]{1,253}(,[a-z0-9.:-]{1,253}){0,63})?$",
        description="host names with commas between, such as comfyui.internal",
    )

    c2pa_certificate: Path | None = None
    c2pa_key: Path | None = None
    c2pa_trust: Path | None = None
    c2pa_tsa_trust: Path | None = None
    c2pa_tsa_url: str = Field(
        "",
        pattern=r"^(https?://[^/?#@\s]+(/[^#\s]*)?)?$",
        description="the address of an RFC 3161 authority, such as https://tsa.example/stamp",
    )
    aigc_producer: str = Field(
        "",
        pattern=r"^[^\x00-\x1f\x7f]{0,200}$",
        description="a name or code of up to 200 characters in one line",
    )

    oidc_issuer: str = Field(
        "",
        pattern=r"^(https?://[^?#@\s]+)?$",
        description="the issuer's address, exactly as its ID tokens name it",
    )
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")

    @field_validator("providers", mode="before")
    @classmethod
    def name_providers(cls, value: object) -> object:
        """The names of variables have no dashes: `GOVERNANCE_PROVIDERS__GOOGLE_VEO__KEY`."""
        if not isinstance(value, dict):
            return value
        return {str(name).lower().replace("_", "-"): account for name, account in value.items()}

    @model_validator(mode="after")
    def refuse_unsafe(self) -> "Settings":
        """What crosses a network needs TLS: passwords, sessions, signed requests."""
        url = urlsplit(self.public_url)
        if self.host not in LOOPBACK and url.scheme != "https":
            raise ValueError(
                "GOVERNANCE_HOST opens the service to the network, so GOVERNANCE_PUBLIC_URL must "
                "be the https:// address under which a TLS proxy serves it"
            )
        if url.scheme == "http" and url.hostname not in LOOPBACK:
            raise ValueError(
                "GOVERNANCE_PUBLIC_URL names another machine without TLS; it must begin with "
                "https://, because browsers send the session's cookie over nothing else"
            )
        return self

    @model_validator(mode="after")
    def refuse_half_a_signer(self) -> "Settings":
        """A certificate is of use with its key only, an authority with its root."""
        if (self.c2pa_certificate is None) != (self.c2pa_key is None):
            raise ValueError(
                "GOVERNANCE_C2PA_CERTIFICATE and GOVERNANCE_C2PA_KEY must be set together"
            )
        url = urlsplit(self.c2pa_tsa_url)
        if url.scheme == "http" and url.hostname not in LOOPBACK:
            raise ValueError("GOVERNANCE_C2PA_TSA_URL must begin with https://")
        if self.c2pa_tsa_url and self.c2pa_tsa_trust is None:
            raise ValueError(
                "GOVERNANCE_C2PA_TSA_URL needs GOVERNANCE_C2PA_TSA_TRUST, the authority's root; "
                "without it nobody here can check a time stamp"
            )
        return self

    @model_validator(mode="after")
    def refuse_half_a_provider(self) -> "Settings":
        """An identity provider needs all three, and TLS: it says who people are."""
        given = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret.get_secret_value())
        if any(given) and not all(given):
            raise ValueError(
                "GOVERNANCE_OIDC_ISSUER, GOVERNANCE_OIDC_CLIENT_ID and "
                "GOVERNANCE_OIDC_CLIENT_SECRET must be set together"
            )
        url = urlsplit(self.oidc_issuer)
        if url.scheme == "http" and url.hostname not in LOOPBACK:
            raise ValueError("GOVERNANCE_OIDC_ISSUER must begin with https://")
        return self

    @cached_property
    def database(self) -> str:
        """The SQLAlchemy URL; SQLite in the data folder unless set."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'governance.sqlite3'}"

    @cached_property
    def trusted_webhook_hosts(self) -> tuple[str, ...]:
        """Hosts of a private network to which notifications may go all the same."""
        return tuple(filter(None, self.webhook_hosts.split(",")))

    @cached_property
    def trusted_provider_hosts(self) -> tuple[str, ...]:
        """Hosts of a private network to which organisations' own accounts may lead all the same."""
        return tuple(filter(None, self.provider_hosts.split(",")))

    @cached_property
    def base_url(self) -> str:
        """The public address of the service, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @cached_property
    def authority(self) -> str:
        """What request signatures must name as `@authority` (RFC 9421 section 2.2.3)."""
        return self.base_url.split("://", 1)[1].lower()

    @cached_property
    def keys_dir(self) -> Path:
        return self.data_dir / "keys"


def load(**overrides: object) -> Settings:
    """Settings from the environment, `overrides` first.

    Raises ConfigurationError (`settings_invalid`) with one line per fault.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [_sentence(fault) for fault in error.errors()]
        raise ConfigurationError("settings_invalid", "\n".join(lines)) from None


def _sentence(fault: ErrorDetails) -> str:
    """Names the setting as people set it, and never its value, which may be a secret."""
    message = fault["msg"].removeprefix("Value error, ")
    if not fault["loc"]:
        return f"{message}."
    name = str(fault["loc"][0])
    field = Settings.model_fields.get(name)
    if fault["type"] == "string_pattern_mismatch" and field is not None:
        message = f"It must be {field.description}"
    return f"GOVERNANCE_{name.upper()}: {message}."
