"""A story turned back into the question that policy, routing and marking ask about it."""

from typing import Any

from governance.domain import Declaration, GenerationRequest, InputFile, Principal
from governance.evidence.story import Story
from governance.kernel.errors import Conflict
from governance.ledger import read_stream
from governance.lifecycle.context import Context
from governance.policy import ModelFacts
from governance.routing import Model

PROMPT = "prompt"


def request_of(story: Story, prompt: str = "") -> GenerationRequest:
    """The request as it was made; the prompt is not in the records and given apart."""
    body = story.request
    asset = body.get("asset", {})
    return GenerationRequest(
        organisation=body["organisation"],
        project=body["project"],
        media=body["media"],
        model=body.get("model", ""),
        prompt=prompt,
        seconds=body.get("seconds", round(float(asset.get("seconds", 0)))),
        width=body.get("width", asset.get("width", 0)),
        height=body.get("height", asset.get("height", 0)),
        territories=tuple(body["territories"]),
        roles=tuple(body["roles"]),
        purpose=body["purpose"],
        declaration=_declaration(body["declaration"]),
        audience=body["audience"],
        sector=body["sector"],
        references=_references(body),
        production=body.get("production", {}).get("id"),
        parent=body.get("parent"),
        task=body.get("task", "generate"),
        inputs=tuple(InputFile(**file) for file in body.get("inputs", ())),
        voice=body.get("voice", ""),
        audio=body.get("audio", False),
    )


def _declaration(body: dict[str, Any]) -> Declaration:
    return Declaration(**{**body, "depicts": tuple(body.get("depicts", ()))})


def _references(body: dict[str, Any]) -> tuple[str, ...]:
    if "ingredients" in body:
        return tuple(ingredient["digest"] for ingredient in body["ingredients"])
    return tuple(body["references"])


def principal_of(story: Story) -> Principal:
    body = story.request["principal"]
    return Principal(
        kind=body["kind"],
        id=body["id"],
        organisation=story.request["organisation"],
        accountable=body["accountable"],
        assurance=body["assurance"],
        chain=tuple(body["chain"]),
    )


def model_facts(model: Model) -> ModelFacts:
    """What policy may know of a model."""
    return ModelFacts(model.id, model.provider, model.source_type, model.tier)


def vendor_model(context: Context, story: Story) -> str:
    """The vendor's own name of the model that was chosen, retired since or not; the route's name
    for it once it has left the catalogue."""
    chosen = str((story.route or {})["model"])
    model = context.catalogue.find(chosen)
    return chosen if model is None else model.vendor_model


def private_of(context: Context, story: Story) -> dict[str, Any]:
    """What has not been erased of a generation's personal data, by name; the first of each."""
    with context.database.read() as session:
        records = read_stream(session, story.id)
        opened = context.ledger.vault.open(session, [item.id for item in records if item.sd])
    found: dict[str, Any] = {}
    for item in records:
        for one in opened.get(item.id, []):
            found.setdefault(one.name, one.value)
    return found


def prompt_of(context: Context, story: Story) -> str:
    """The prompt. Raises Conflict (`prompt_erased`) when its subject was erased meanwhile."""
    prompt = private_of(context, story).get(PROMPT)
    if not isinstance(prompt, str):
        raise Conflict("prompt_erased", "The prompt was erased; nothing can be generated from it.")
    return prompt
