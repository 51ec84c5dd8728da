"""ComfyUI servers of our own, which run signed graphs (`routing/graphs.py`) and nothing else.

ComfyUI has no authentication: it belongs in a private network, where a proxy may ask for a bearer
token. It writes the whole graph, prompt included, into its files; we take it out on arrival.
We choose the id of each job (`prompt_id`), so one whose submission was not answered is found
again. The server would run the same id twice; it is posted once. It forgets jobs when it restarts.
Source: https://docs.comfy.org/development/comfyui-server/comms_routes and its `server.py`.
"""

import ipaddress
import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from governance.domain import Media
from governance.kernel.errors import ConfigurationError
from governance.routing.account import Account
from governance.routing.answers import read_object, sentence, strange, withhold
from governance.routing.file_metadata import remove_metadata
from governance.routing.graphs import Graph, Graphs, fill
from governance.routing.outputs import download
from governance.routing.plain_http import PlainHTTP
from governance.routing.provider import Fault, FaultKind, Job, Order, Status, truncated

TIMEOUT = 60.0
_CLIENT = "governance"
_ENDINGS: dict[Media, str] = {"video": ".mp4", "image": ".png"}
_SHOWN = ("node_id", "node_type", "exception_type")
Standing = Literal["pending", "running"]


class ComfyUI:
    """One server. base_url: its address, without `/api`; key: for a proxy before it, may be empty.

    Raises ConfigurationError (`provider_url_invalid`, `provider_url_public`).
    """

    name = "comfyui"
    recoverable = True

    def __init__(self, account: Account, graphs: Graphs, timeout: float = TIMEOUT) -> None:
        self._account = account
        self._graphs = graphs
        self._http = PlainHTTP(account.base_url, timeout, account)
        if account.base_url and not account.secrets:
            _require_private(account.base_url)

    def configured(self) -> bool:
        return bool(self._account.base_url) and self._graphs.signed()

    def submit(self, order: Order) -> tuple[Job, str]:
        graph = self._graph(order.model)
        job_id = job_id_of(order.key)
        body = {
            "prompt": fill(graph, order),
            "prompt_id": job_id,
            "client_id": _CLIENT,
            # Comes back with the job, for `recover`.
            "extra_data": {_CLIENT: {"model": order.model, "media": order.media}},
        }
        answer = self._http.order("/prompt", self._headers(), body)
        raw = withhold(answer.text, (*self._account.secrets, order.prompt))
        if 400 <= answer.status < 500:
            raise _refusal(answer.status, raw)
        if read_object(answer.text).get("prompt_id") != job_id:
            raise Fault("ambiguous", sentence("ambiguous"), raw)
        said = {"graph": graph.name, "sha256": graph.digest, "answer": raw}
        return Job(job_id, order.media, self.name, order.model), truncated(json.dumps(said))

    def poll(self, job: Job) -> Status:
        try:
            entry = self._history(job.id)
            if entry is None and self._standing(job.id) is not None:
                return Status("running", 0)
            # It may have finished between the two questions; nothing goes back into the queue.
            entry = entry or self._history(job.id)
        except Fault as fault:
            return Status("running", 0, fault.kind, fault.message, fault.raw)
        if entry is None:
            return Status("failed", 0, "gone", sentence("gone"))
        return _status(entry)

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        try:
            entry = self._history(job.id)
        except Fault as fault:
            raise Fault("unavailable", fault.message, fault.raw) from None
        if entry is None:
            raise Fault("unavailable", "The server has not finished yet.")
        status = _status(entry)
        if status.state == "failed":
            raise Fault(status.fault or "internal", status.message, status.raw)
        file = next(_files(entry, job.kind), None)
        if file is None:
            raise Fault("internal", f"The graph has left no {job.kind}.")
        url = f"{self._http.base_url}/view?{urlencode(file)}"
        here, headers = self._http.base_url, self._headers()
        download(url, target, limit, job.kind, (), here, self._account, headers)
        try:
            remove_metadata(target, job.kind)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def cancel(self, job: Job) -> bool:
        """Out of the queue, or stopped at the next step of its sampler."""
        try:
            standing = self._standing(job.id)
            if standing == "pending":
                self._http.order("/queue", self._headers(), {"delete": [job.id]})
                standing = self._standing(job.id)
                if standing is None:
                    return self._history(job.id) is None
            if standing == "running":  # older servers stop whatever runs, so it must be ours
                answer = self._http.order("/interrupt", self._headers(), {"prompt_id": job.id})
                return answer.status == 200
        except Fault:
            return False
        return False

    def recover(self, key: str) -> Job | None:
        """Raises Fault (`unavailable`, `auth`, `internal`) without a usable answer."""
        job_id = job_id_of(key)
        queued = self._queued(job_id)  # first: a job goes from here into the history, never back
        item = queued[1] if queued else (self._history(job_id) or {}).get("prompt")
        if not isinstance(item, list):
            return None
        told = item[3].get(_CLIENT, {}) if len(item) > 3 and isinstance(item[3], dict) else {}
        media: Media = "image" if told.get("media") == "image" else "video"
        return Job(job_id, media, self.name, str(told.get("model", "")))

    def _graph(self, name: str) -> Graph:
        try:
            graph = self._graphs.get(name)
        except ConfigurationError as error:
            raise Fault("invalid", error.message) from None
        if graph is None:
            raise Fault("gone", sentence("gone"))
        return graph

    def _history(self, job_id: str) -> Mapping[str, Any] | None:
        """What the server says of a finished job. Raises Fault."""
        entry = self._read(f"/history/{job_id}").get(job_id)
        return entry if isinstance(entry, Mapping) else None

    def _standing(self, job_id: str) -> Standing | None:
        item = self._queued(job_id)
        return item[0] if item else None

    def _queued(self, job_id: str) -> tuple[Standing, list[Any]] | None:
        """Where in the queue a job is, and its item: [number, id, graph, extra data, …]."""
        queue = self._read("/queue")
        places: tuple[Standing, ...] = ("running", "pending")
        for standing in places:
            items = queue.get(f"queue_{standing}")
            for item in items if isinstance(items, list) else ():
                if isinstance(item, list) and len(item) > 1 and item[1] == job_id:
                    return standing, item
        return None

    def _read(self, path: str) -> dict[str, Any]:
        answer = self._http.read(path, self._headers())
        if answer.status in (401, 403):
            raise Fault("auth", sentence("auth", f"HTTP {answer.status}"))
        if answer.status != 200:
            raise Fault("unavailable", sentence("unavailable", f"HTTP {answer.status}"))
        body = read_object(answer.text)
        if not body and answer.text.strip() != "{}":
            raise Fault("internal", "The vendor's answer is unreadable.")
        return body

    def _headers(self) -> dict[str, str]:
        key = self._account.key.get_secret_value()
        return {"authorization": f"Bearer {key}"} if key else {}


def job_id_of(key: str) -> str:
    """The UUID (RFC 9562 section 5.5) under which an order runs: the same one every time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, key))


def _require_private(base_url: str) -> None:
    """An address that anyone can reach, and nobody has to identify themselves."""
    try:
        is_public = ipaddress.ip_address(urlsplit(base_url).hostname or "").is_global
    except ValueError:  # a name: its network is the operator's to know
        return
    if is_public:
        raise ConfigurationError(
            "provider_url_public",
            "ComfyUI has no authentication: give it an address in a private network, or put a "
            "proxy before it that asks for a key.",
        )


def _refusal(status: int, raw: str) -> Fault:
    """ComfyUI itself only knows 400, for a graph that it cannot run; the others are a proxy's."""
    kinds: dict[int, FaultKind] = {401: "auth", 403: "auth", 408: "ambiguous", 429: "throttled"}
    kind = kinds.get(status, "invalid")
    return Fault(kind, sentence(kind, f"HTTP {status}"), raw)


def _status(entry: Mapping[str, Any]) -> Status:
    """A history entry. What goes into the record leaves out the graph, which has the prompt."""
    status = entry.get("status")
    told = status if isinstance(status, Mapping) else {"status_str": "success"}  # older servers
    messages = [_message(message) for message in _listed(told.get("messages"))]
    said = {"status": told.get("status_str"), "messages": messages}
    raw = truncated(json.dumps(said))
    if said["status"] == "success":
        return Status("succeeded", 100, raw=raw)
    if said["status"] == "error":
        return Status("failed", 0, "internal", sentence("internal"), raw)
    return strange(raw)


def _message(message: Any) -> dict[str, str]:
    """What happened, and in which node; not the node's inputs."""
    name, content = message if isinstance(message, list) and len(message) == 2 else ("", {})
    shown = content if isinstance(content, Mapping) else {}
    kept = {key: str(shown[key])[:100] for key in _SHOWN if key in shown}
    return {"event": str(name)[:100]} | kept


def _files(entry: Mapping[str, Any], media: Media) -> Iterator[dict[str, str]]:
    """Finished files of that medium, as `/view` is asked for them; no previews."""
    outputs = entry.get("outputs")
    for output in outputs.values() if isinstance(outputs, Mapping) else ():
        for files in output.values() if isinstance(output, Mapping) else ():
            for file in _listed(files):
                if not isinstance(file, Mapping) or file.get("type") != "output":
                    continue
                name = str(file.get("filename", ""))
                if media in _ENDINGS and name.lower().endswith(_ENDINGS[media]):
                    folder = str(file.get("subfolder", ""))
                    yield {"filename": name, "subfolder": folder, "type": "output"}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
