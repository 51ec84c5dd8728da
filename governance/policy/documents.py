"""Files that people edit, read so that every fault names its file and line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Pointer = tuple[str | int, ...]

_TEXT = "tag:yaml.org,2002:str"
_FLOAT = "tag:yaml.org,2002:float"


@dataclass(frozen=True)
class PackFault:
    """One thing that is wrong in a policy file.

    file: within the policy folder; line: counts from 1.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Document:
    """A YAML file's value, and the line on which each part of it begins."""

    file: str
    value: Any
    lines: dict[Pointer, int]

    def fault(self, pointer: Pointer, message: str) -> PackFault:
        """A fault at the part that `pointer` names, or at the nearest part around it."""
        while pointer not in self.lines:
            pointer = pointer[:-1]
        return PackFault(self.file, self.lines[pointer], message)


class _Loader(yaml.SafeLoader):
    """YAML without surprises: dates and yes/no stay text, each rule stands for itself."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's own way of configuration
        first: [pair for pair in pairs if not pair[0].endswith((":bool", ":timestamp"))]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="references (*name) are not allowed: write it out",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)


# YAML 1.2 core schema, section 10.3.2: only these two words are booleans.
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), ["t", "f"])


def shown(path: Path) -> str:
    """`packs/house.yaml`: how faults name a file of the policy folder."""
    return f"{path.parent.name}/{path.name}"


def read_yaml(path: Path) -> tuple[Document, list[PackFault]]:
    """The document and what is wrong with its form: syntax, repeated keys, decimal fractions."""
    file = shown(path)
    empty = Document(file, None, {(): 1})
    loader = _Loader(path.read_bytes())
    try:
        node = loader.get_single_node()
        if node is None:
            return empty, [PackFault(file, 1, "the file is empty")]
        document = Document(file, loader.construct_document(node), {(): 1})
        return document, list(_walk(document, node, ()))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        return empty, [PackFault(file, mark.line + 1 if mark else 1, problem)]
    finally:
        loader.dispose()


def _walk(document: Document, node: yaml.Node, pointer: Pointer) -> Iterator[PackFault]:
    """Note the line of every part below `node`."""
    document.lines[pointer] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(document, item, (*pointer, index))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            inner = (*pointer, str(key.value))
            if key.tag != _TEXT:
                yield PackFault(document.file, line, f"{key.value}: names must be text")
            if inner in document.lines:
                yield PackFault(document.file, line, f"“{key.value}” is written twice")
            yield from _walk(document, value, inner)
            document.lines[inner] = line
    elif node.tag == _FLOAT:
        yield document.fault(pointer, f"{node.value}: write numbers with a fraction in quotes")
