"""The catalogue promises nothing that an adapter would not order."""

import socket
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr

from governance.domain import InputFile
from governance.evidence.keys import SeedSigner
from governance.routing import Fault, Model, Order, Provider, load_catalogue
from governance.routing import graphs as signed_graphs
from governance.routing.account import Account
from governance.routing.filters import capability
from governance.routing.provider import Input
from governance.routing.providers.local import LocalProvider
from governance.routing.registry import makers
from governance.routing.spool import Spool

from .builders import POLICIES, request

OFFERED = [
    model
    for model in load_catalogue(POLICIES).models
    if model.provider and model.price and not model.retired(date(2026, 11, 23))
]
RATIOS = ("16:9", "9:16", "1:1")


@pytest.fixture(scope="module")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Provider]:
    """Every adapter, with an account at an address where nobody listens."""
    folder = tmp_path_factory.mktemp("offers")
    signer = SeedSigner.from_seed(bytes(32))
    signed_graphs.sign(POLICIES, folder / "graphs.dsse.json", signer)
    graphs = signed_graphs.Graphs(POLICIES, folder / "graphs.dsse.json", signer.public)
    spool = Spool(folder / "spool")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    account = Account(SecretStr("key"), SecretStr(""), address, "project", "us-central1")
    made = makers(LocalProvider(folder / "local"), spool, graphs)
    return {name: maker(account) for name, maker in made.items()}


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "first.png"
    Image.new("RGB", (320, 320), "teal").save(path)
    return path


def sizes(model: Model) -> Iterator[tuple[int, int]]:
    """The smallest and the largest frames of every ratio that the model has."""
    if model.frame is None:
        yield 0, 0
        return
    frame, step = model.frame, model.frame.multiple_of
    shorts = frame.shorts or (frame.short_min, frame.short_max)
    for short, ratio in product((min(shorts), max(shorts)), frame.ratios or RATIOS):
        across, down = map(int, ratio.split(":"))
        long = round(short * max(across, down) / min(across, down) / step) * step
        yield (long, short) if across >= down else (short, long)


@pytest.mark.parametrize("entry", OFFERED, ids=lambda model: model.id)
def test_what_is_offered_is_ordered(
    entry: Model, providers: Mapping[str, Provider], picture: Path
) -> None:
    provider = providers[entry.provider or ""]
    first = [()] + [(InputFile("first_frame", "a" * 64, "image/png"),)] * (
        "first_frame" in entry.inputs
    )
    lengths = (min(entry.seconds), max(entry.seconds)) if entry.seconds else (0,)
    tried = 0
    for (width, height), seconds, audio, inputs in product(
        sizes(entry), lengths, (False, True), first
    ):
        asked = request(
            media=entry.media, seconds=seconds, width=width, height=height, inputs=inputs
        )
        if [*capability(entry, asked, audio)] or not entry.quote(seconds, width, height, audio):
            continue
        tried += 1
        order = Order(
            key=f"gen_{tried:032x}",
            model=entry.vendor_model,
            prompt="a fox in the snow",
            seconds=seconds,
            width=width,
            height=height,
            media=entry.media,
            audio=audio,
            inputs=tuple(Input(given.role, picture, given.media_type) for given in inputs),
        )
        try:
            provider.submit(order)
        except Fault as fault:
            assert fault.kind in ("unavailable", "ambiguous"), f"{order}: {fault.message}"
    assert tried
