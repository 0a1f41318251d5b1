"""The end of a window as a usage record stores it: as the window's length, or as an instant.

A length in seconds (`+3600`) takes a sixth of an instant's bytes, of the item and of its row in the index, which
rating reads again with each rating. Records of earlier releases have the instant, and so has a window whose length is
no whole number of seconds.
"""

from datetime import datetime, timedelta
from functools import lru_cache

_LENGTH = "+"


@lru_cache(maxsize=1024)  # the windows of a batch are few
def stored_end(start: str, end: str) -> str:
    """Return what is stored of a window's end; both instants are as `instants.sortable` writes them."""
    length = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return end if length.microseconds else f"{_LENGTH}{length // timedelta(seconds=1)}"


def window_end(start: datetime, stored: str) -> datetime:
    """Return the end of a window from its start and what is stored of its end."""
    if stored.startswith(_LENGTH):
        return start + timedelta(seconds=int(stored))
    return datetime.fromisoformat(stored)
