"""The product's own door, as both benchmarks of marks use it: secret, ids, duties, context."""

import hashlib

from governance.domain import Duty
from governance.marking.credentials.authority import Authority
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.write import MarkContext

ORGANISATION = "acme"
RULES = ("benchmark",)
LABEL = {
    "wording": "AI GENERATED",
    "placement": "top_right",
    "duration": "throughout",
    "height": 50,
}
DUTIES = (
    Duty("label.visible", LABEL, RULES),
    Duty("mark.watermark", {}, RULES),
    Duty("mark.signed_metadata", {}, RULES),
    Duty("metadata.aigc", {}, RULES),
)
SOUND_DUTIES = (Duty("label.audible", {"language": "en"}, RULES), *DUTIES[1:])


def keys(number: int = 0) -> WatermarkKeys:
    """The service's secret; other numbers are other services."""
    return WatermarkKeys(hashlib.sha256(b"benchmark %d" % number).digest())


def watermark_id(subject: str) -> int:
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big")


def record_id(subject: str) -> str:
    return f"gen_{watermark_id(subject):032x}"


def context(subject: str, authority: Authority) -> MarkContext:
    return MarkContext(
        record_id=record_id(subject),
        record_uri=f"https://governance.example/records/{record_id(subject)}",
        source_type="trainedAlgorithmicMedia",
        authority=authority,
        organisation=ORGANISATION,
        watermark_id=watermark_id(subject),
        watermark_keys=keys(),
    )
