"""Files that people edit, read so that every fault names its file and line."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import yaml

from governance.kernel.errors import ConfigurationError

Pointer = tuple[str | int, ...]

_TEXT = "tag:yaml.org,2002:str"
_FLOAT = "tag:yaml.org,2002:float"


@dataclass(frozen=True, order=True)
class FileFault:
    """One thing that is wrong in a file.

    file: within the folder that people edit; line: counts from 1.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Document:
    """A YAML file's value, the line on which each part of it begins, and the file's sha256."""

    file: str
    value: Any
    lines: dict[Pointer, int]
    digest: str

    def fault(self, pointer: Pointer, message: str) -> FileFault:
        """A fault at the part that `pointer` names, or at the nearest part around it."""
        while pointer not in self.lines:
            pointer = pointer[:-1]
        return FileFault(self.file, self.lines[pointer], message)


class _Loader(yaml.SafeLoader):
    """YAML without surprises: dates, yes/no and `<<` stay text, each part stands for itself."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's own way of configuration
        first: [pair for pair in pairs if not pair[0].endswith((":bool", ":timestamp", ":merge"))]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or event.tag:
            raise yaml.MarkedYAMLError(
                problem="references (*name) and tags (!name) are not allowed: write it out",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)


# YAML 1.2 core schema, section 10.3.2: only these two words are booleans.
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), ["t", "f"])


def read_yaml(folder: Path, name: str, schema: str) -> tuple[Document, list[FileFault]]:
    """A YAML file, and what is wrong with it: its form, or what the JSON Schema asks for.

    name, schema: files within `folder`. The value may be used only if there is no fault.
    """
    asked, faults = read_json(folder, schema)
    document, form = _parse(folder, name)
    if faults or form:
        return document, [*faults, *form]
    try:
        validator = jsonschema_rs.Draft202012Validator(asked, validate_formats=True)
    except jsonschema_rs.ValidationError as error:
        return document, [FileFault(schema, 1, error.message)]
    return document, sorted(
        document.fault(tuple(error.instance_path), error.message)
        for error in validator.iter_errors(document.value)
    )


def read_json(folder: Path, name: str) -> tuple[Any, list[FileFault]]:
    """The value of a JSON file, and what is wrong with its form."""
    text, faults = read_text(folder, name)
    if faults:
        return None, faults
    try:
        return orjson.loads(text), []
    except orjson.JSONDecodeError as error:
        return None, [FileFault(name, error.lineno, error.msg)]


def read_text(folder: Path, name: str) -> tuple[str, list[FileFault]]:
    """The text of a file; a fault if it is missing or is no UTF-8."""
    try:
        return (folder / name).read_bytes().decode("utf-8"), []
    except OSError as error:
        return "", [FileFault(name, 1, f"the file cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return "", [FileFault(name, line, "the text is not UTF-8")]


def refusal(code: str, faults: Sequence[FileFault]) -> ConfigurationError:
    """The error that lists every fault on a line of its own."""
    return ConfigurationError(code, "\n".join(str(fault) for fault in faults))


def _parse(folder: Path, name: str) -> tuple[Document, list[FileFault]]:
    text, faults = read_text(folder, name)
    if faults:
        return _empty(name, text), faults
    document, found = _composed(name, text)
    return replace(document, value=deepcopy(document.value)), list(found)


def _empty(name: str, text: str) -> Document:
    return Document(name, None, {(): 1}, hashlib.sha256(text.encode()).hexdigest())


@lru_cache(maxsize=64)  # parsing takes longer than all else of a start, and files are read again
def _composed(name: str, text: str) -> tuple[Document, Sequence[FileFault]]:
    document = _empty(name, text)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return document, [FileFault(name, 1, "the file is empty")]
        document = replace(document, value=loader.construct_document(node))
    except yaml.reader.ReaderError as error:
        return document, [FileFault(name, text.count("\n", 0, error.position) + 1, error.reason)]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return document, [FileFault(name, line, str(error.problem))]
    except ValueError:  # PyYAML takes more for numbers than Python does
        return document, [FileFault(name, 1, "something is no number: write it in quotes")]
    return document, list(_walk(document, node, ()))


def _walk(document: Document, node: yaml.Node, pointer: Pointer) -> Iterator[FileFault]:
    """Note the line of every part below `node`."""
    document.lines[pointer] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(document, item, (*pointer, index))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = str(key.value)
            inner = (*pointer, name)
            if key.tag != _TEXT:
                yield FileFault(document.file, line, f"{key.value}: names must be text")
            if _is_broken(name):
                yield FileFault(document.file, line, "a name has half a letter in it")
            if inner in document.lines:
                yield FileFault(document.file, line, f"“{key.value}” is written twice")
            yield from _walk(document, value, inner)
            document.lines[inner] = line
    elif _is_broken(node.value):
        yield document.fault(pointer, "the text has half a letter in it")
    elif node.tag == _FLOAT:
        yield document.fault(pointer, f"{node.value}: write numbers with a fraction in quotes")


def _is_broken(text: str) -> bool:
    """Whether it has a surrogate on its own, which no encoding can write."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)
