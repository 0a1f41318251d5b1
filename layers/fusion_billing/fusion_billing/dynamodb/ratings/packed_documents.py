"""Pack a rating's document and its history into one binary attribute, so that the item stays under 1 KB.

DynamoDB bills a write by the kilobyte. Compressed together, with a dictionary of the text that all documents share, a
document and a history of 50 versions take a quarter of their length as text.

The first byte names the format; what follows is raw DEFLATE. A dictionary never changes: stored items need it.
"""

import zlib
from collections.abc import Sequence
from typing import cast

from fusion_billing.billing.rating import Cause, HistoryEntry
from fusion_billing.dynamodb.attributes import ItemView
from fusion_billing.dynamodb.ratings.packed_history import PackedHistory

_FORMAT = 1
_LEVEL = 6
_WINDOW = -15  # raw: a header and a checksum would take 6 bytes
_MEMORY = 9

_DICTIONARY_1 = (
    '"analytic_distribution":{"corrects":{"amount":"","invoiced_amount":"","is_charged":true,"is_rated":false,'
    '"final_invoice":true,"names":{"de_DE":"fr_FR":"tax_behavior":"inclusive""exclusive"'
    '"The charge no longer applies""Minimum amount of ""Maximum amount of ""units converted by ""rounded up to '
    '"aggregation":"average""count""last""max""min""time_weighted""unique_count""sum"'
    '"maximum_amount":"minimum_amount":"thresholds":["unit_conversion":{"divide_by":"1000"quantity_rounding":"up"'
    '"model":{"package_size":"100","package_amount":"type":"package""model":{"rate_percent":"type":"percentage"'
    '"model":{"amount":"10","type":"flat"},"model":{"tiers":[{"flat_amount":"0","unit_amount":"0.1","up_to":"1000"},'
    '{"flat_amount":"0","unit_amount":"0.05","up_to":null}],"type":"graduated_percentage""volume""graduated"},'
    '"priced_by":[{"active":true,"applies_to":{"plans":["Pro"]},"valid_from":"2026-01-01T00:00:00Z"'
    "Tier 1 (up to 1000): Tier 2 (open-ended): 1 to 15 November: Package 16 to 30 December: "
    '"price_spans":[{"end":"2026-12-16T00:00:00Z","start":"2026-12-01T00:00:00Z","version":0}],"timezone":"Europe/'
    '{"amount":"0.00","billable_units":"0","charge":"api_calls","charge_name":"API calls","currency":"EUR""USD",'
    '"included_units":"1000","metric":"api_calls","metric_definition":{"aggregation":"sum","code":"api_calls",'
    '"name":"API calls","unit":"call"},"odoo_order_id":1,"odoo_product_id":1,"overage_units":"0",'
    '"period_end":"2027-01-01T00:00:00Z","period_start":"2026-12-01T00:00:00Z","plan":"Pro","price_versions":[null],'
    '"priced_by":[{"active":true,"applies_to":{"all":true},"code":"api_calls","currency":"USD","filters":[],'
    '"group_by":[],"included_units":"1000","metric":"api_calls","model":{"type":"per_unit","unit_amount":"0.01"},'
    '"name":"API calls","odoo_product_id":7}],"rules":2,"steps":[{"amount":"0","description":"1 record, added up",'
    '"unit_amount":"0","units":"1000"},{"amount":"0","description":"2 records, added up","unit_amount":"0","units":"0"}'
    ',{"amount":"0","description":"Included: 1000 units","unit_amount":"0","units":"1000"},'
    '{"amount":"1","description":"100 units at 0.01 each","unit_amount":"0.01","units":"100"}],"timezone":"UTC",'
    '"unit":"call","units":"1100","unrounded_amount":"1"}\n'
    "definition subscription run invoice - 86400 86401 86399 7200 3601 3599 3602 3598 3600 usage usage usage"
).encode("ascii")


def pack(document_json: str, history: Sequence[HistoryEntry], entry: HistoryEntry) -> bytes:
    """Return a document as canonical JSON, and a history with one more `entry`, as bytes to store."""
    following = history if isinstance(history, PackedHistory) else PackedHistory.of(history)
    text = f"{document_json}\n{following.followed_by(entry).text}"
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, zdict=_DICTIONARY_1)
    return bytes([_FORMAT]) + compressor.compress(text.encode("utf-8")) + compressor.flush()


def unpack(packed: bytes) -> tuple[str, PackedHistory]:
    """Return the document, as canonical JSON, and the history that `pack` packed."""
    if packed[0] != _FORMAT:
        raise ValueError(f"a rating is stored in format {packed[0]}, which this release can't read")
    decompressor = zlib.decompressobj(_WINDOW, zdict=_DICTIONARY_1)
    text = (decompressor.decompress(packed[1:]) + decompressor.flush()).decode("utf-8")
    # JSON escapes line feeds, so the first one ends the document.
    document_json, _, history = text.partition("\n")
    return document_json, PackedHistory(history)


def read_documents(item: ItemView) -> tuple[str, Sequence[HistoryEntry]]:
    """Return the document of a rating's item as canonical JSON, and its history.

    Earlier releases stored both as text, the history a line for each version.
    """
    if "packed" in item:
        return unpack(bytes(item["packed"]["B"]))
    history = item["hist"]["S"].split("\n") if "hist" in item else []
    return item["doc"]["S"], tuple(map(_entry_of_line, history))


def _entry_of_line(line: str) -> HistoryEntry:
    version, units, amount, at, *cause = line.split(" ")
    return HistoryEntry(int(version), units, amount, at, cast("Cause", cause[0]) if cause else None)
