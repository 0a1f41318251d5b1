"""The pairs of a batch in one change marker: grouped by metric and month, compressed.

A batch of 100 counters takes some 400 bytes, so it costs one write unit instead of one per pair.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from zlib import compress, decompress

_LEVEL = 1  # higher levels save nothing on some hundred short names
_DIGEST_BYTES = 12


def packed(names: Iterable[str]) -> bytes:
    """Return the names of pairs (`42#api_calls#2026-11`) in a few bytes; their order does not matter."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        subscription, _, rest = name.partition("#")
        groups.setdefault(rest, []).append(subscription)
    lines = (f"{rest} {' '.join(subscriptions)}" for rest, subscriptions in groups.items())
    return compress("\n".join(lines).encode(), _LEVEL)


def unpacked(data: bytes, is_requested: Callable[[str], bool] = lambda _: True) -> Iterator[str]:
    """Yield the names that `packed` has put into `data`, of those subscriptions that are requested."""
    for line in decompress(data).decode().split("\n"):
        rest, *subscriptions = line.split(" ")
        for subscription in filter(is_requested, subscriptions):
            yield f"{subscription}#{rest}"


def digest(data: bytes) -> str:
    """Return what names a marker of these pairs: equal pairs of an hour are one marker, whoever writes it."""
    return blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()
