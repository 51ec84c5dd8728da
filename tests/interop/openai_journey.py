"""One journey with the official Python client, whichever version is found: URL KEY → JSON.

Started in a process of its own, so that a version that is not this environment's can be first on
its path.
"""

import base64
import json
import sys

import openai

TOLD = {
    "project": "launch",
    "territories": "EU",
    "audience": "internal",
    "deep_fake": "no",
    "real_person": "no",
}


def main() -> None:
    base_url, key = sys.argv[1:]
    client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=60)
    made = client.videos.create(
        model="local/procedural-video",
        prompt="a calm sea at dusk",
        seconds="1",  # type: ignore[arg-type]  # as long as the model can make it
        size="640x360",  # type: ignore[arg-type]
        extra_body={"metadata": TOLD},
    )
    video = client.videos.poll(made.id, poll_interval_ms=50)
    content = client.videos.download_content(video.id).read()
    remixed = client.videos.remix(video.id, prompt="a calm sea at dawn")
    remix = client.videos.poll(remixed.id, poll_interval_ms=50)
    remix_content = client.videos.download_content(remix.id).read()
    listed = [entry.id for entry in client.videos.list(limit=1)]
    deleted = [client.videos.delete(name) for name in (remix.id, video.id)]
    picture = client.images.generate(
        model="local/procedural-image",
        prompt="a calm sea at dusk",
        size="128x128",
        extra_body={"metadata": TOLD},
    )
    try:
        client.videos.retrieve(video.id)
        gone = ""
    except openai.NotFoundError as error:
        gone = str(error.code)
    try:
        asked = {"metadata": TOLD}
        client.videos.create(model="sora-2", prompt="a calm sea at dusk", extra_body=asked)
        refused = ""
    except openai.BadRequestError as error:
        refused = str(error.code)
    seen = {
        "version": openai.__version__,
        "created": made.status,
        "statuses": [video.status, remix.status],
        "size": video.size,
        "heads": [content[4:8].decode(), remix_content[4:8].decode()],
        "differs": content != remix_content,
        "remixed_from": remix.remixed_from_video_id == video.id,
        "listed": [name in listed for name in (video.id, remix.id)],
        "deleted": [answer.deleted for answer in deleted],
        "picture": base64.b64decode((picture.data or [])[0].b64_json or "")[1:4].decode(),
        "gone": gone,
        "refused": refused,
    }
    print(json.dumps(seen))  # noqa: T201  read by the test that started this


if __name__ == "__main__":
    main()
