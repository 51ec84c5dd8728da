"""Graphs that ComfyUI servers may run: versioned, listed by digest, signed by the operator.

A graph is a program for a machine with our models and in our network. `graphs.yaml` holds the
digest of each; `governance graphs sign` signs the digest of that list with the service's record
key, into the data folder. Whoever may edit the policies folder cannot sign, no second key has to
be kept, and the list of keys that an auditor has names this one, too. All is read and verified
again for each order: an edit stops the graphs at once, not at the next start.
"""

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from governance.evidence import envelope
from governance.evidence.encoding import parse_canonical, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.keys import Signer
from governance.kernel.documents import Document, FileFault, read_yaml, refusal
from governance.kernel.errors import ConfigurationError
from governance.routing.provider import Fault, Order

FOLDER = "graphs"
FILE = f"{FOLDER}/graphs.yaml"
SCHEMA = "schemas/graphs.schema.json"
APPROVAL = "graphs.dsse.json"  # in the data folder
_TYPE = "application/vnd.governance.graphs+json"
_SEED_BITS = 53  # what every JSON reader takes as a whole number


@dataclass(frozen=True)
class Parameter:
    """Where a value goes (RFC 6901), and what it must be. per_second, plus: of frames."""

    at: str
    multiple_of: int = 1
    per_second: int = 0
    plus: int = 0


@dataclass(frozen=True)
class Graph:
    """name: with its version, as catalogue models name it; digest: sha256 of its file."""

    name: str
    digest: str
    media: Literal["video", "image"]
    template: Mapping[str, Any]
    parameters: Mapping[str, Parameter]


class Graphs:
    """The graphs of a policies folder, as far as they are signed.

    approval: the file that `sign` writes; public: the key that must have signed it.
    """

    def __init__(self, policies_dir: Path, approval: Path, public: bytes) -> None:
        self._policies_dir = policies_dir
        self._approval = approval
        self._public = public

    def signed(self) -> bool:
        """Whether the list is, byte for byte, the one that was signed."""
        try:
            content = (self._policies_dir / FILE).read_bytes()
            return hashlib.sha256(content).hexdigest() == self._approved()
        except (OSError, ConfigurationError):
            return False

    def get(self, name: str) -> Graph | None:
        """A graph by its name with version; None where the list has none.

        Raises ConfigurationError: `graphs_unsigned`, `graphs_invalid` (one line per fault).
        """
        document, faults = _inspect(self._policies_dir)
        if faults:
            raise refusal("graphs_invalid", faults)
        if document.digest != self._approved():
            raise _unsigned("has been changed since it was signed")
        entries = {_name(entry): entry for entry in document.value["graphs"]}
        return _graph(self._policies_dir, entries[name]) if name in entries else None

    def _approved(self) -> str:
        try:
            line = envelope.open_line(self._approval.read_bytes(), "the signature of the graphs")
            line.verify(self._public, "the graphs")
            payload = parse_canonical(line.payload, "the signature of the graphs")
        except OSError:
            raise _unsigned("is not signed") from None
        except EvidenceError:
            raise _unsigned("is not signed by this service's key") from None
        if line.payload_type != _TYPE:
            raise _unsigned("is not signed; the file has another purpose")
        return str(payload["sha256"])


def load(policies_dir: Path) -> tuple[Graph, ...]:
    """All graphs, signed or not. Raises ConfigurationError (`graphs_invalid`)."""
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("graphs_invalid", faults)
    return tuple(_graph(policies_dir, entry) for entry in document.value["graphs"])


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong with the graphs; a folder without any is in order."""
    return _inspect(policies_dir)[1] if (policies_dir / FOLDER).is_dir() else []


def sign(policies_dir: Path, approval: Path, signer: Signer) -> tuple[Graph, ...]:
    """Approve the list as it stands now. Raises ConfigurationError (`graphs_invalid`)."""
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("graphs_invalid", faults)
    line = envelope.seal(serialise({"sha256": document.digest}), _TYPE, signer)
    part = approval.with_suffix(".part")
    part.write_bytes(line)
    part.replace(approval)
    return tuple(_graph(policies_dir, entry) for entry in document.value["graphs"])


def fill(graph: Graph, order: Order) -> dict[str, Any]:
    """The graph with the order's values in it, each in its own place and of its own type.

    Raises Fault (`invalid`) for what the graph does not make.
    """
    if order.media != graph.media or order.task != "generate" or order.inputs or order.voice:
        raise Fault("invalid", f"The graph makes new {graph.media}s from words only.")
    values: dict[str, str | int] = {
        "prompt": order.prompt,
        "seed": seed(order.key),
        "width": order.width,
        "height": order.height,
    }
    for side in ("width", "height"):
        step = graph.parameters[side].multiple_of
        if int(values[side]) <= 0 or int(values[side]) % step:
            raise Fault("invalid", f"The graph makes frames with sides in steps of {step} pixels.")
    if frames := graph.parameters.get("frames"):
        values["frames"] = order.seconds * frames.per_second + frames.plus
    filled = copy.deepcopy(dict(graph.template))
    for name, parameter in graph.parameters.items():
        holder, key = _place(filled, parameter.at)
        holder[key] = values[name]
    return filled


def seed(key: str) -> int:
    """The same order has the same seed, so that a clip can be made again."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> (64 - _SEED_BITS)


def _inspect(policies_dir: Path) -> tuple[Document, list[FileFault]]:
    document, faults = read_yaml(policies_dir, FILE, SCHEMA)
    return document, faults or list(_contradictions(policies_dir, document))


def _contradictions(policies_dir: Path, document: Document) -> Iterator[FileFault]:
    """What a schema cannot see: names used twice, other bytes, places that are not there."""
    seen = set()
    for number, entry in enumerate(document.value["graphs"]):
        name = _name(entry)
        if name in seen:
            yield document.fault(("graphs", number), f"{name} is there twice")
        seen.add(name)
        for pointer, message in _graph_faults(policies_dir, entry):
            yield document.fault(("graphs", number, *pointer), message)


def _graph_faults(
    policies_dir: Path, entry: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str]]:
    file = _file(policies_dir, entry)
    try:
        content = file.read_bytes()
        template = orjson.loads(content)
    except (OSError, orjson.JSONDecodeError) as error:
        yield (), f"{file.name} cannot be read: {error}"
        return
    digest = hashlib.sha256(content).hexdigest()
    if digest != entry["sha256"]:
        yield ("sha256",), f"{file.name} has sha256 {digest}: a changed graph is a new version"
    for name, parameter in entry["parameters"].items():
        wanted = str if name == "prompt" else int
        try:
            holder, key = _place(template, parameter["at"])
            is_fitting = type(holder[key]) is wanted
        except (LookupError, TypeError, ValueError):
            is_fitting = False
        if not is_fitting:
            yield ("parameters", name), f"{file.name} has no {wanted.__name__} at {parameter['at']}"


def _place(graph: Any, pointer: str) -> tuple[Any, str | int]:
    """What holds the value at a pointer, and under which key. Raises LookupError, ValueError."""
    *path, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    for part in path:
        graph = graph[int(part)] if isinstance(graph, list) else graph[part]
    return graph, int(last) if isinstance(graph, list) else last


def _graph(policies_dir: Path, entry: Mapping[str, Any]) -> Graph:
    """An entry without faults, with its file."""
    content = _file(policies_dir, entry).read_bytes()
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:  # changed since it was checked
        raise _unsigned("names a file that is being changed")
    parameters = {name: Parameter(**place) for name, place in entry["parameters"].items()}
    return Graph(_name(entry), entry["sha256"], entry["media"], orjson.loads(content), parameters)


def _name(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}.v{entry['version']}"


def _file(policies_dir: Path, entry: Mapping[str, Any]) -> Path:
    return policies_dir / FOLDER / f"{_name(entry)}.json"


def _unsigned(what: str) -> ConfigurationError:
    return ConfigurationError(
        "graphs_unsigned",
        f"{FILE} {what}. Read the graphs, then run `governance graphs sign`.",
    )
