"""YAML that people edit, read so that a fault can be named with its line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from governance.kernel.errors import ConfigurationError


class MarkedYaml:
    """One YAML document: `data`, and `place(path)` as `file:line`.

    Dates stay text, so that the data is JSON. Raises ConfigurationError (`file_missing`,
    `yaml_invalid`), also for a key that is written twice.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            loader = _Loader(path.read_text(encoding="utf-8"))
            self._root = loader.get_single_node()
            self.data: Any = loader.construct_document(self._root) if self._root else None
        except OSError:
            raise ConfigurationError("file_missing", f"{path} cannot be read.") from None
        except (yaml.MarkedYAMLError, yaml.reader.ReaderError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{path}:{mark.line + 1}" if mark else str(path)
            raise ConfigurationError("yaml_invalid", f"{where}: {_problem(error)}") from None

    def place(self, path: Sequence[str | int]) -> str:
        """Where the value lies; the nearest enclosing one if there is no such value."""
        node = self._root
        for step in path:
            child = _child(node, step)
            if child is None:
                break
            node = child
        line = node.start_mark.line + 1 if node else 1
        return f"{self._path}:{line}"


class _Loader(yaml.SafeLoader):
    """YAML's safe subset without dates; a key that is written twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is written twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error)


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None
