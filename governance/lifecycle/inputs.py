"""The files that a request brings along or takes from its parent, kept beside what is made of them.

They lie in the store under the generation that they are for, so that they last as long as it, and
whatever is done to a parent later.
"""

import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from governance.domain import MODEL_TASKS, GenerationRequest, InputFile, InputRole, Task
from governance.evidence.story import State, Story
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.lifecycle.context import Context
from governance.lifecycle.tables import Generation
from governance.marking.probe import inspect
from governance.routing.provider import Input

MAX_INPUTS = 4
OVERRUN = Decimal("0.1")  # seconds: 4 s ordered are 97 frames at 24 a second, or 65 at 16
ACCEPTED = ("image/png", "image/jpeg", "image/webp", "video/mp4", "video/quicktime")


@dataclass(frozen=True)
class Brought:
    """A file on our disk, as the caller sent it."""

    role: InputRole
    path: Path


@contextmanager
def keeping(
    context: Context, generation: str, brought: Sequence[Brought], parent: Story | None = None
) -> Iterator[tuple[InputFile, ...]]:
    """Keep the inputs of a generation that is about to be asked for.

    What was kept is removed unless the generation is there at the end and policy did not deny it.
    Raises InvalidRequest (`inputs_too_many`, `input_unsupported`, `media_corrupt`, …), Conflict
    (`parent_media_deleted`).
    """
    if len(brought) > MAX_INPUTS:
        raise InvalidRequest("inputs_too_many", f"A request brings at most {MAX_INPUTS} files.")
    try:
        kept = [_keep(context, generation, file) for file in brought]
        if parent is not None:
            kept.append(_keep_source(context, generation, parent))
        yield tuple(kept)
    finally:
        with context.database.read() as session:
            row = session.get(Generation, generation)
        if row is None or row.state == State.DENIED:
            context.media.remove(generation)


def of(context: Context, story: Story) -> tuple[Input, ...]:
    """A generation's inputs as providers take them. Raises NotFound (`media_missing`)."""
    return tuple(
        Input(file["role"], context.media.path(story.id, file["digest"]), file["media_type"])
        for file in story.request.get("inputs", ())
    )


def takes_source(task: Task) -> bool:
    """Whether a task works from its parent's file."""
    return MODEL_TASKS[task] != "generate"


def covering(request: GenerationRequest, parent: Story, *, is_said: bool) -> GenerationRequest:
    """The request for as many seconds as its parent's video has, which is what a vendor works on
    and charges for. is_said: the caller has named them.

    Raises InvalidRequest (`seconds_too_few`) naming the least.
    """
    least = _least_seconds(parent)
    if not is_said:
        return replace(request, seconds=least or request.seconds)
    if request.seconds < least:
        raise InvalidRequest(
            "seconds_too_few",
            f"`seconds` is at least {least} here: as long as the video that it is made from.",
            param="seconds",
            least=least,
        )
    return request


def _least_seconds(parent: Story) -> int:
    """Rounded up, but for the frame or two by which a clip runs over: nobody bills those."""
    return math.ceil(Decimal((parent.original or {}).get("seconds", "0")) - OVERRUN)


def _keep(context: Context, generation: str, file: Brought) -> InputFile:
    asset = inspect(file.path)
    if asset.media_type not in ACCEPTED:
        raise InvalidRequest(
            "input_unsupported",
            f"An input file is one of {', '.join(ACCEPTED)}, not {asset.media_type}.",
            param="input_reference",
        )
    context.media.keep(file.path, generation)
    return InputFile(file.role, asset.digest, asset.media_type)


def _keep_source(context: Context, generation: str, parent: Story) -> InputFile:
    """The parent's file before it was marked: marks are written once, at the end."""
    original = parent.original or {}
    try:
        source = context.media.path(parent.id, original.get("digest", ""))
    except NotFound:
        raise Conflict(
            "parent_media_deleted", f"The media of {parent.id} is no longer stored."
        ) from None
    with context.media.staging() as path:
        shutil.copyfile(source, path)
        context.media.keep(path, generation)
    return InputFile("source", original["digest"], original["media_type"])
