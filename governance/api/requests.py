"""What callers send, turned into a GenerationRequest.

What governance needs to know may come by four ways; the first that names a thing wins:
1. `governance`: a JSON object (in multipart forms: the same as a JSON string),
2. `metadata`: the flat map of strings of the OpenAI API (`metadata[project]` in forms),
3. `X-Governance-…` headers, which a client can set once for all its requests,
4. the defaults below. There is no default for territories.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.datastructures import FormData, Headers

from governance.domain import Answer, Declaration, Depicted, GenerationRequest, Media, Purpose
from governance.evidence.story import Story
from governance.kernel.errors import InvalidRequest
from governance.lifecycle.questions import request_of
from governance.routing.filters import spoken_seconds

MAX_PROMPT = 32_000
MAX_METADATA = 16
MAX_VALUE = 512
SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
NESTED = re.compile(r"(metadata|governance)\[([^\[\]]+)\](\[\])?")
TERRITORY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
PRODUCTION = re.compile(r"prd_[0-9a-f]{32}")
VOICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,63}")
CONSENT = re.compile(r"cns_[0-9a-f]{32}")
PROJECT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
DEFAULT_SIZE = {"video": "1280x720", "image": "1024x1024", "audio": "0x0"}
DEFAULT_SECONDS = {"video": 4, "image": 0, "audio": 4}

# A moment with a time zone, so far from the calendar's ends that it can be told in UTC.
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))
]
# Text without control characters.
Line = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
FIELDS = (
    "media",
    "model",
    "prompt",
    "size",
    "seconds",
    "audio",
    "voice",
    "governance",
    "metadata",
)
GOVERNED = (
    "project",
    "production",
    "territories",
    "purpose",
    "audience",
    "sector",
    "roles",
    "deep_fake",
    "real_person",
    "artistic",
    "consent",
    "synthetic_performer",
    "depicts",
)
CHOICES: dict[str, tuple[str, ...]] = {
    "purpose": get_args(Purpose),
    "audience": ("public", "internal"),
    "deep_fake": get_args(Answer),
    "real_person": get_args(Answer),
    "artistic": get_args(Answer),
    "synthetic_performer": get_args(Answer),
}


class Body(BaseModel):
    """A JSON body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


def generation_request(
    organisation: str, fields: Mapping[str, Any], headers: Headers, media: Media
) -> GenerationRequest:
    """Read a request. Raises InvalidRequest naming the field at fault."""
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= MAX_PROMPT:
        raise InvalidRequest(
            "prompt_invalid",
            f"`prompt` must be text of 1 to {MAX_PROMPT} characters.",
            param="prompt",
        )
    width, height = _size(fields.get("size") or DEFAULT_SIZE[media])
    return governed_request(
        organisation,
        fields,
        headers,
        media=media,
        model=str(fields.get("model") or "auto"),
        prompt=prompt,
        seconds=_seconds(fields.get("seconds"), _usual_seconds(media, prompt)),
        width=width,
        height=height,
        audio=_flag(fields.get("audio"), "audio"),
        voice=_voice(fields.get("voice")),
    )


def governed_request(
    organisation: str, fields: Mapping[str, Any], headers: Headers, **content: Any
) -> GenerationRequest:
    """The part that generations and imports share; `content`: the other fields, as they are."""
    metadata = _metadata(fields.get("metadata"))
    said = _said(fields, metadata, headers)
    project = said.get("project", "default")
    if not isinstance(project, str) or not PROJECT.fullmatch(project):
        raise InvalidRequest(
            "project_invalid",
            "A project is named by lower-case letters, digits, dots and dashes.",
            param="project",
        )
    return GenerationRequest(
        organisation=organisation,
        project=project,
        territories=_territories(said.get("territories")),
        roles=_roles(said.get("roles")),
        production=_production(said.get("production")),
        purpose=_choice(said, "purpose", _usual_purpose(content.get("model"))),
        declaration=Declaration(
            deep_fake=_choice(said, "deep_fake", "unknown"),
            real_person=_choice(said, "real_person", "unknown"),
            artistic=_choice(said, "artistic", "no"),
            consent=_consent(said.get("consent")),
            synthetic_performer=_choice(said, "synthetic_performer", "unknown"),
            depicts=_depicts(said.get("depicts")),
        ),
        audience=_choice(said, "audience", "public"),
        sector=_text(said.get("sector"), "sector") or "general",
        metadata=tuple(sorted((k, v) for k, v in metadata.items() if k not in GOVERNED)),
        **content,
    )


def fields_of(story: Story) -> dict[str, Any]:
    """What a request for another version of a generation may leave out, as callers send it."""
    before = request_of(story)
    return {
        "model": before.model,  # none made what was imported
        "seconds": before.seconds,
        "size": f"{before.width}x{before.height}",
        "audio": before.audio,
        "voice": before.voice,
    }


def inherited_fields(story: Story, fields: Mapping[str, Any]) -> dict[str, Any]:
    """`governance` of such a request: as the parent's, but for what the request itself says."""
    body, declared = story.request, story.request["declaration"]
    metadata = _metadata(fields.get("metadata"))
    parents = {
        "project": body["project"],
        "production": body.get("production", {}).get("id"),
        **{name: body[name] for name in ("territories", "purpose", "audience", "sector", "roles")},
        **declared,
    }
    governance = _object(fields.get("governance", {}))
    left = {name: value for name, value in parents.items() if name not in metadata}
    return {**left, **governance}


def require_known(fields: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises InvalidRequest (`field_unknown`): a field misspelt must not go unnoticed."""
    unknown = sorted(fields.keys() - set(known))
    if unknown:
        raise InvalidRequest(
            "field_unknown",
            f"Only these fields are known here: {', '.join(sorted(known))}.",
            param=unknown[0][:64],
        )


def form_fields(form: FormData) -> dict[str, Any]:
    """A multipart form as the JSON body it stands for.

    `metadata[key]=value` becomes a map, `governance[key][]=value` one with lists, which is how
    official clients write them. Raises InvalidRequest (`form_invalid`).
    """
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        if not isinstance(value, str):
            continue
        match = NESTED.fullmatch(name)
        target, key = (fields.setdefault(match[1], {}), match[2]) if match else (fields, name)
        is_list = bool(match and match[3])
        is_free = isinstance(target, dict) and (
            isinstance(target.get(key, []), list) if is_list else key not in target
        )
        if not is_free:
            raise InvalidRequest(
                "form_invalid", "Send each field of the form once.", param=name[:64]
            )
        if is_list:
            target.setdefault(key, []).append(value)
        else:
            target[key] = value
    return fields


def _said(
    fields: Mapping[str, Any], metadata: Mapping[str, str], headers: Headers
) -> dict[str, Any]:
    governance = _object(fields.get("governance", {}))
    from_headers = {name: headers[key] for name in GOVERNED if (key := _header(name)) in headers}
    return {**from_headers, **{k: v for k, v in metadata.items() if k in GOVERNED}, **governance}


def _object(governance: Any) -> dict[str, Any]:
    if isinstance(governance, str):
        try:
            governance = orjson.loads(governance)
        except orjson.JSONDecodeError:
            governance = None
    if not isinstance(governance, dict) or set(governance) - set(GOVERNED):
        raise InvalidRequest(
            "governance_invalid",
            f"`governance` must be a JSON object with only these names: {', '.join(GOVERNED)}.",
            param="governance",
        )
    return governance


def _header(name: str) -> str:
    return "x-governance-" + name.replace("_", "-")


def _metadata(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    is_flat = isinstance(value, dict) and all(
        isinstance(k, str) and isinstance(v, str) and len(v) <= MAX_VALUE for k, v in value.items()
    )
    if not is_flat or len(value) > MAX_METADATA + len(GOVERNED):
        raise InvalidRequest(
            "metadata_invalid",
            f"`metadata` is a flat map of up to {MAX_METADATA} strings, {MAX_VALUE} letters each.",
            param="metadata",
        )
    return dict(value)


def _territories(value: Any) -> tuple[str, ...]:
    codes = _list(value, "territories")
    if not all(TERRITORY.fullmatch(code) for code in codes):
        raise InvalidRequest(
            "territory_invalid",
            "`territories` are codes of countries (DE) or of states (US-CA), see ISO 3166, or EU.",
            param="territories",
        )
    return tuple(sorted(set(codes)))


def _depicts(value: Any) -> tuple[Any, ...]:
    depicted = set(_list(value, "depicts"))
    if depicted - set(get_args(Depicted)):
        raise InvalidRequest(
            "depicts_invalid",
            f"`depicts` may name {', '.join(get_args(Depicted))}: what exists and is resembled.",
            param="depicts",
        )
    return tuple(sorted(depicted))


def _roles(value: Any) -> tuple[Any, ...]:
    roles = _list(value, "roles") or ["provider", "deployer"]
    if set(roles) - {"provider", "deployer"}:
        raise InvalidRequest(
            "roles_invalid", "`roles` may name provider and deployer.", param="roles"
        )
    return tuple(sorted(set(roles)))


def _list(value: Any, name: str) -> list[str]:
    if value is None:
        return []
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise InvalidRequest(
            "list_invalid", f"`{name}` is a list of strings, or one with commas.", param=name
        )
    return [item.strip() for item in items if item.strip()]


def _choice(said: Mapping[str, Any], name: str, default: str) -> Any:
    value = said.get(name, default)
    if value not in CHOICES[name]:
        raise InvalidRequest(
            f"{name}_invalid", f"`{name}` is one of {', '.join(CHOICES[name])}.", param=name
        )
    return value


def _usual_purpose(model: Any) -> Purpose:
    """A draft is not meant for anybody's eyes but those who work on it."""
    return "intermediate" if model == "draft" else "final"


def _production(value: Any) -> str | None:
    production = _text(value, "production")
    if production is not None and not PRODUCTION.fullmatch(production):
        raise InvalidRequest(
            "production_invalid", "`production` is the id of one, prd_….", param="production"
        )
    return production


def _voice(value: Any) -> str:
    voice = _text(value, "voice") or ""
    if voice and not VOICE.fullmatch(voice):
        raise InvalidRequest(
            "voice_invalid",
            "`voice` is the vendor's name of one: letters, digits, dots, dashes and spaces.",
            param="voice",
        )
    return voice


def _flag(value: Any, name: str) -> bool:
    if value not in (None, True, False, "true", "false"):
        raise InvalidRequest(f"{name}_invalid", f"`{name}` is true or false.", param=name)
    return value in (True, "true")


def _consent(value: Any) -> str | None:
    consent = _text(value, "consent")
    if consent is not None and not CONSENT.fullmatch(consent):
        raise InvalidRequest(
            "consent_invalid",
            "`consent` is the id of a registered consent, cns_…; register the signed form first.",
            param="consent",
        )
    return consent


def _text(value: Any, name: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 128:
        raise InvalidRequest(
            f"{name}_invalid", f"`{name}` is text of at most 128 characters.", param=name
        )
    return value


def _size(value: Any) -> tuple[int, int]:
    match = SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None and value != "0x0":
        raise InvalidRequest(
            "size_invalid", "`size` is WIDTHxHEIGHT in pixels, for example 1280x720.", param="size"
        )
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _usual_seconds(media: Media, prompt: str) -> int:
    """A sound is long enough for its words, should it be they that are heard."""
    spoken = spoken_seconds(prompt) if media == "audio" else 0
    return max(DEFAULT_SECONDS[media], spoken)


def _seconds(value: Any, default: int) -> int:
    text = str(default if value is None else value)
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise InvalidRequest(
            "seconds_invalid", "`seconds` is a whole number of seconds.", param="seconds"
        )
    return int(text)
