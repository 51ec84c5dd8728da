"""What the marks of one file say; handed to every writer."""

from dataclasses import dataclass

from governance import __version__
from governance.domain import Asset
from governance.marking.credentials.authority import Authority
from governance.marking.watermark.keys import WatermarkKeys

# IPTC NewsCodes, Digital Source Type vocabulary: a term is appended.
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@dataclass(frozen=True)
class MarkContext:
    """The facts that XMP and C2PA state.

    record_id: the generation's id; record_uri: where its record is found; source_type: IPTC
    Digital Source Type term (`trainedAlgorithmicMedia`); title: empty for the record's id;
    edited: the file was handed in from outside (`c2pa.opened`), not generated through the service;
    ingredients: files of ours that were placed into it; organisation, watermark_id, watermark_keys:
    what the watermark says and whose patterns carry it, an id of 0 for none; checkpoint: the log's
    state before signing (C2SP tlog-checkpoint, a signed note), may be empty; aigc_producer: the
    name or code of the provider under GB 45438-2025, empty for `producer`.
    """

    record_id: str
    record_uri: str
    source_type: str
    authority: Authority
    producer: str = "Governance service"
    producer_version: str = __version__
    title: str = ""
    edited: bool = False
    ingredients: tuple[Asset, ...] = ()
    organisation: str = "default"
    watermark_id: int = 0
    watermark_keys: WatermarkKeys | None = None
    checkpoint: str = ""
    aigc_producer: str = ""
