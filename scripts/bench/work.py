"""The steps of the robustness benchmark, for any process; what is done already is read again."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cell, Crowd, ask, mark_file, watermark
from product import ORGANISATION, watermark_id
from quality import Quality, judge
from strangers import fingerprints, issued, sound_fingerprints
from subjects import CHANGES, MEDIA_TYPES, Options, Subject, make_master, subjects, suffix_of
from unmarked import Trials, clips_of, sounds_of

from governance.marking.credentials import authority
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.index import FingerprintIndex

PARTS = 10  # the strangers are gathered in so many tasks


def gather_strangers(options: Options, part: int) -> None:
    """A tenth of the strangers' fingerprints, kept in a file."""

    def gather() -> list[str]:
        count = options.scale.strangers // PARTS
        seen = fingerprints(count, part, options.clips)
        heard = sound_fingerprints(count // 100, part)
        return [fingerprint.to_bytes().hex() for fingerprint in (*seen, *heard)]

    _kept(options.folder("strangers") / f"{part}.json", gather)


def mark_subject(options: Options, subject: Subject) -> tuple[Subject, Quality | None]:
    """Master and marked copy into the subject's folder; how visible the watermark is."""
    folder = options.folder(subject.id)
    master, marked = folder / f"master{subject.suffix}", folder / f"marked{subject.suffix}"

    def make() -> dict[str, Any]:
        make_master(subject, options, master)
        keys = authority.load_or_create(options.folder("authority"))
        fingerprint = mark_file(subject.id, master, marked, keys)
        judged = None
        if subject.medium != "sound":
            judged = judge(
                master, MEDIA_TYPES[subject.suffix], partial(watermark, subject.id), folder
            )
        return {
            "fingerprint": fingerprint.to_bytes().hex(),
            "quality": asdict(judged) if judged else None,
        }

    quality = _kept(folder / "marked.json", make)["quality"]
    return subject, Quality(**quality) if quality else None


def measure_subject(options: Options, subject: Subject) -> list[Cell]:
    """Every change of a marked file, asked about."""
    folder = options.folder(subject.id)
    crowd = _crowd(options)

    def measure(name: str) -> dict[str, Any]:
        suffix = suffix_of(subject, name)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            changed = Path(temporary) / f"{name}{suffix}"
            CHANGES[subject.medium][name](folder / f"marked{subject.suffix}", changed)
            return asdict(ask(subject, name, changed, MEDIA_TYPES[suffix], crowd))

    return [
        Cell(**_kept(folder / f"cell-{name}.json", lambda name=name: measure(name)))  # type: ignore[misc]
        for name in CHANGES[subject.medium]
    ]


def find_false(options: Options, seed: int) -> tuple[Trials, Trials]:
    """Of the clips and of the sounds that are drawn from the seed."""
    crowd, secrets = _crowd(options), options.scale.secrets

    def find() -> list[dict[str, Any]]:
        seen, heard = clips_of(seed, secrets, crowd), sounds_of(seed, secrets, crowd)
        return [asdict(seen), asdict(heard)]

    seen, heard = _kept(options.folder("unmarked") / f"{seed}.json", find)
    return Trials(**seen), Trials(**heard)


@cache
def _crowd(options: Options) -> Crowd:
    """Strangers and marked files together; once for each process."""
    released: list[tuple[str, str]] = []  # whose, and the fingerprint in hexadecimal digits
    for part in range(PARTS):
        kept = json.loads((options.folder("strangers") / f"{part}.json").read_text())
        released += [("stranger", data) for data in kept]
    ids = issued(options.scale.strangers)
    for subject in subjects(options):
        kept = json.loads((options.folder(subject.id) / "marked.json").read_text())
        released.append((subject.id, kept["fingerprint"]))
        own = np.array([watermark_id(subject.id)], np.uint64)
        ids[ORGANISATION] = np.concatenate([ids[ORGANISATION], own])
    index = FingerprintIndex()
    index.add_all(
        [
            (key, Fingerprint.from_bytes(bytes.fromhex(data)))
            for key, (_, data) in enumerate(released)
        ]
    )
    owners = [owner for owner, _ in released]
    return Crowd(ids, index, owners, authority.load_or_create(options.folder("authority")))


def _kept(path: Path, make: Callable[[], Any]) -> Any:
    """What is written in the file; made and written, whole, if it isn't there yet."""
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(make()))
        draft.replace(path)
    return json.loads(path.read_text())
