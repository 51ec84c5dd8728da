"""What a thrown switch means for a generation: it waits where it stands until it is lifted."""

from sqlalchemy import Connection

from governance.evidence.story import State, Story
from governance.identity import switches
from governance.lifecycle.context import Context

WAIT = 15.0  # seconds until the engine looks again
# Money may be spent here, so its fate is found out; or nothing but time passes.
NOT_STOPPED = frozenset(
    {State.SUBMITTING, State.GENERATING, State.AWAITING_APPROVAL, State.IN_REVIEW}
)


def known(context: Context) -> frozenset[str]:
    """The scopes of all models and providers that a switch can name."""
    models = context.catalogue.models
    named = {model.provider for model in models if model.provider}
    providers = named | set(context.providers.names)
    return frozenset([f"model:{m.id}" for m in models] + [f"provider:{name}" for name in providers])


def over(story: Story) -> list[str]:
    """Every switch that stops a generation: of who asked for it, and of what makes it."""
    route = story.route or {}
    request = story.request
    chain = request["principal"]["chain"]
    return switches.over(request["organisation"], chain, route.get("model"), route.get("provider"))


def is_waiting(connection: Connection, story: Story) -> bool:
    """Whether the engine's next step has to wait."""
    if story.state in NOT_STOPPED:
        return False
    return switches.stopping(switches.thrown(connection), over(story)) is not None


def is_stopped(connection: Connection, story: Story) -> bool:
    """Whether a step that is ready to commit has been stopped; nobody throws while it commits."""
    if story.state in NOT_STOPPED:
        return False
    return switches.stopping(switches.thrown_meanwhile(connection), over(story)) is not None


def require_moving(connection: Connection, story: Story) -> None:
    """For what people do to a generation. Raises Denied (`stopped`)."""
    scope = switches.stopping(switches.thrown_meanwhile(connection), over(story))
    if scope is not None:
        raise switches.refusal(scope)
