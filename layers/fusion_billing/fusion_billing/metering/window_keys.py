"""Derive the idempotency key of a record from what it counts, for metrics with `"idempotency": "window"`.

::

    window~42~api_calls~20261103T090000Z~20261103T100000Z
    window~42~api_calls~20261103T090000Z~20261103T100000Z~@1f0c77a2b94d5e60~host-7

The parts: the subscription's own ID, the metric, the window in UTC, then `@` and 16 hexadecimal digits of the record's
properties and member if it has any, then the name of the writer if a key was pushed that ends with one. Such a key
alone says where its record is stored. No other record may have one.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from fusion_billing.catalog.identifiers import CODE, SUBSCRIPTION_ID
from fusion_billing.errors import Fault
from fusion_billing.instants import sortable
from fusion_billing.metering.usage_record import UsageRecord

MAX_WRITER = 48

_PREFIX = "window~"
_DIGITS = 16
_INSTANT = r"\d{8}T\d{6}(?:\.\d{6})?"
_NAME = rf"[A-Za-z0-9._-]{{1,{MAX_WRITER}}}"
_WRITER = re.compile(rf"~{_NAME}", re.ASCII)
_KEY = re.compile(
    rf"{_PREFIX}({SUBSCRIPTION_ID.pattern})~({CODE.pattern})~({_INSTANT})Z~({_INSTANT})Z"
    rf"((?:~@[0-9a-f]{{{_DIGITS}}})?(?:~{_NAME})?)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class WindowKey:
    """A derived key, taken apart; `start` and `end` are sortable, `suffix` is empty or begins with `~`."""

    subscription: str
    metric: str
    start: str
    end: str
    suffix: str = ""

    def __str__(self) -> str:
        """Return the idempotency key."""
        window = f"{compact(self.start)}Z~{compact(self.end)}Z"
        return f"{_PREFIX}{self.subscription}~{self.metric}~{window}{self.suffix}"


def parse_window_key(key: str) -> WindowKey | None:
    """Return a derived key taken apart; None for any other key."""
    match = _KEY.fullmatch(key) if key.startswith(_PREFIX) else None
    if match is None:
        return None
    subscription, metric, start, end, suffix = match.groups()
    try:
        parsed = WindowKey(subscription, metric, expanded(start), expanded(end), suffix)
    except ValueError:  # no date of the calendar
        return None
    return parsed if str(parsed) == key and parsed.start < parsed.end else None


def assign_key(record: UsageRecord, *, by_window: bool) -> Fault | None:
    """Give a record of a metric keyed by `window` its derived key; return what is wrong with the key it has.

    The record has its subscription's own ID. A record without a key gets the derived one, and so does one with exactly
    that key, whether it ends with a writer or not.
    """
    if not by_window:
        if parse_window_key(record.key) is None:
            return None
        return Fault("idempotency_key", "reserved_key", "is reserved for metrics whose records are keyed by window")
    detail = _detail(record)
    derived = str(WindowKey(record.subscription, record.metric, record.start, record.end, detail))
    writer = "" if record.key_made or not record.key.startswith(derived) else record.key[len(derived) :]
    if not record.key_made and record.key != derived and not _WRITER.fullmatch(writer):
        message = (
            f"must be left out for this metric, or be {derived}, optionally followed by ~ and the name of a writer"
        )
        return Fault("idempotency_key", "window_key_mismatch", message)
    record.key, record.window_suffix = derived + writer, detail + writer
    return None


def _detail(record: UsageRecord) -> str:
    """Return the digits of a record's properties and member, empty if it has none."""
    if not record.properties and record.member is None:
        return ""
    # Neither part contains a line break: both are printable.
    text = f"{record.properties}\n{record.member or ''}"
    return f"~@{sha256(text.encode()).hexdigest()[:_DIGITS]}"


@lru_cache(maxsize=4096)  # the windows of a batch, and of a period, are few
def compact(instant: str) -> str:
    """Return a sortable instant in its shortest form, without the Z: `20261103T090000`. It sorts as instants do."""
    seconds = instant[:4] + instant[5:7] + instant[8:13] + instant[14:16] + instant[17:19]
    fraction = instant[20:26]
    return seconds if fraction == "000000" else f"{seconds}.{fraction}"


@lru_cache(maxsize=4096)
def expanded(compact_instant: str) -> str:
    """Return the sortable instant of a compact one; raises `ValueError` if it is no date of the calendar."""
    return sortable(datetime.fromisoformat(f"{compact_instant}Z"))
