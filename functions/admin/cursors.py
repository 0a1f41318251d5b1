"""Opaque cursors of lists, each valid for one list with its parameters only."""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping

from fusion_billing.errors import Fault, Refused

_STAMP = 8


def list_name(path: str, query: Mapping[str, str]) -> str:
    """Return what identifies a list: its path, and every query parameter except those of the page."""
    chosen = sorted((name, value) for name, value in query.items() if name not in {"limit", "cursor"})
    return f"{path}?{json.dumps(chosen)}"


def write_cursor(position: str, of: str) -> str:
    """Return the cursor of the page after `position` in the list named `of`.

    A cursor carries a checksum, not a signature: stores check that a position lies within what the
    request may read.
    """
    text = f"{_stamp(position, of)}{position}"
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=")


def read_cursor(cursor: str, of: str) -> str:
    """Return the position in a cursor of the list named `of`; raises `Refused` (`bad_cursor`)."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8", "surrogatepass")
    except (ValueError, binascii.Error):
        raise bad_cursor() from None
    stamp, position = text[:_STAMP], text[_STAMP:]
    if not position or stamp != _stamp(position, of):
        raise bad_cursor()
    return position


def bad_cursor() -> Refused:
    """Return the error of a cursor that does not belong to the list."""
    message = "Not a cursor of this list: use the cursor of its previous page, with the same parameters"
    return Refused([Fault("cursor", "bad_cursor", message)], code="bad_cursor")


def _stamp(position: str, of: str) -> str:
    return f"{zlib.crc32(f'{of} {position}'.encode('utf-8', 'surrogatepass')):08x}"
