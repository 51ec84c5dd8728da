"""One bucket over real HTTP: the calls that a watcher makes, path-style, with faults to order.

    GET /{bucket}?list-type=2      ListObjectsV2, by prefix and delimiter, in pages of PAGE keys
    GET, HEAD, PUT, DELETE         an object; PUT with `x-amz-copy-source` copies one
    POST /{bucket}?delete          DeleteObjects

`state.failing` answers every call with 503 while it is true; a wrong access key answers 403. State
lies in memory. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import unquote
from xml.sax.saxutils import escape, unescape

from fastapi import FastAPI, Request, Response

from governance.simulators import serving

KEY = "s3-simulated-access-key"
BUCKET = "studio"
PAGE = 3  # keys of one listing: a client that takes the first page for all is found out
KEYS = re.compile("<Key>(.*?)</Key>")
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
LIST = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="{namespace}"><Name>{bucket}</Name><Prefix>{prefix}</Prefix>
<KeyCount>{count}</KeyCount><MaxKeys>{page}</MaxKeys><IsTruncated>{truncated}</IsTruncated>
{following}{contents}{folders}</ListBucketResult>"""


@dataclass(frozen=True)
class Stored:
    """An object. changed: when it was put or copied, in seconds since 1970."""

    content: bytes
    changed: float = field(default_factory=time.time)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content, usedforsecurity=False).hexdigest()}"'


class State:
    """What the bucket holds, by key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.objects: dict[str, Stored] = {}
        self.calls: Counter[str] = Counter()  # by method
        self.failing = False


class SimulatedS3(serving.Simulation[State]):
    """url: the endpoint; the bucket is BUCKET, the secret key may be any."""

    def __init__(self, key: str = KEY, port: int = 0) -> None:
        state = State(key)
        super().__init__(build(state), state, state.calls, port)


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = FastAPI(openapi_url=None)
    app.state.vendor = state
    app.add_api_route(f"/{BUCKET}", _bucket, methods=["GET", "POST"])
    methods = ["GET", "HEAD", "PUT", "DELETE"]
    app.add_api_route(f"/{BUCKET}/{{key:path}}", _object, methods=methods)
    return app


async def _bucket(request: Request) -> Response:
    state: State = request.app.state.vendor
    if refused := _refused(request, state):
        return refused
    if request.method == "POST":
        return _delete_all(state, await request.body())
    return _list(state, request.query_params)


async def _object(request: Request, key: str) -> Response:
    state: State = request.app.state.vendor
    if refused := _refused(request, state):
        return refused
    if request.method == "PUT":
        return _put(state, key, request.headers.get("x-amz-copy-source"), await request.body())
    if request.method == "DELETE":
        state.objects.pop(key, None)
        return Response(status_code=204)
    stored = state.objects.get(key)
    if stored is None:
        return _error(404, "NoSuchKey", "The specified key does not exist.")
    headers = {
        "etag": stored.etag,
        "last-modified": formatdate(stored.changed, usegmt=True),
    }
    return Response(stored.content, headers=headers, media_type="application/octet-stream")


def _refused(request: Request, state: State) -> Response | None:
    state.calls[request.method] += 1
    if state.failing:
        return _error(503, "SlowDown", "Please reduce your request rate.")
    if f"Credential={state.key}/" not in request.headers.get("authorization", ""):
        return _error(403, "InvalidAccessKeyId", "The access key does not exist in our records.")
    return None


def _put(state: State, key: str, source: str | None, content: bytes) -> Response:
    if source is None:
        state.objects[key] = Stored(content)
        return Response(headers={"etag": state.objects[key].etag})
    original = state.objects.get(unquote(source).lstrip("/").removeprefix(f"{BUCKET}/"))
    if original is None:
        return _error(404, "NoSuchKey", "The specified key does not exist.")
    state.objects[key] = Stored(original.content)
    told = f"<ETag>{escape(original.etag)}</ETag><LastModified>{_time(original)}</LastModified>"
    return _xml(f"<CopyObjectResult>{told}</CopyObjectResult>")


def _delete_all(state: State, body: bytes) -> Response:
    keys = [unescape(key) for key in KEYS.findall(body.decode())]
    for key in keys:
        state.objects.pop(key, None)
    told = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
    return _xml(f'<DeleteResult xmlns="{NAMESPACE}">{told}</DeleteResult>')


def _list(state: State, asked: Mapping[str, str]) -> Response:
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    names: dict[str, Stored | None] = {}  # of objects, and of folders without one
    for key in sorted(key for key in state.objects if key.startswith(prefix)):
        head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        names[prefix + head + delimiter if found else key] = None if found else state.objects[key]
    start = asked.get("continuation-token", "")
    left = [name for name in names if name > start]
    page, rest = left[:PAGE], left[PAGE:]
    contents = "".join(_content(name, stored) for name in page if (stored := names[name]))
    folders = "".join(
        f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
        for name in page
        if names[name] is None
    )
    following = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if rest else ""
    return _xml(
        LIST.format(
            namespace=NAMESPACE,
            bucket=BUCKET,
            prefix=escape(prefix),
            count=len(page),
            page=PAGE,
            truncated=str(bool(rest)).lower(),
            following=following,
            contents=contents,
            folders=folders,
        )
    )


def _content(name: str, stored: Stored) -> str:
    told = f"<LastModified>{_time(stored)}</LastModified><ETag>{escape(stored.etag)}</ETag>"
    return (
        f"<Contents><Key>{escape(name)}</Key>{told}<Size>{len(stored.content)}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _time(stored: Stored) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(stored.changed))


def _error(status: int, code: str, message: str) -> Response:
    return _xml(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", status)


def _xml(text: str, status: int = 200) -> Response:
    return Response(text, status, media_type="application/xml")
