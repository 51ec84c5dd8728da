"""The files that a request brings along or takes from its parent, kept beside what is made of them.

They lie in the store under the generation that they are for, so that they last as long as it, and
whatever is done to a parent later.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from governance.domain import MODEL_TASKS, InputFile, InputRole, Task
from governance.evidence.story import State, Story
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.lifecycle.context import Context
from governance.lifecycle.tables import Generation
from governance.marking.probe import inspect
from governance.routing.provider import Input

MAX_INPUTS = 4
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
