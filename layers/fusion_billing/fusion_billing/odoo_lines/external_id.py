"""Make and parse the external id of an order line: one for each (subscription, charge, period), never changed.

Odoo reads `module.name`, with no dot in the name. Subscriptions and charges may contain dots, colons and hyphens, so
each of these is written as a hyphen and its two hexadecimal digits; two hyphens separate the fields, because no field
can contain them then. Two lines never share an id, and people can read it:
`fusion_billing.42--api_calls--20261101T000000Z`.

A line that moves to another product or order becomes a new line, whose id ends in `--p<product>`, `--o<order>` or
both; the old line keeps its id, at a quantity of zero.
"""

import re
from datetime import UTC, datetime

MODULE = "fusion_billing"

_PLAIN = re.compile(r"[A-Za-z0-9_]")
_ESCAPED = re.compile(r"(?:-[0-9a-f]{2})+")
_INSTANT = re.compile(r"\d{8}T\d{6}Z")
_SUFFIX = re.compile(r"--([po])(\d+)")


def external_id(subscription: str, charge: str, period_start: datetime, corrects: datetime | None = None) -> str:
    """Return the external id of the order line of the period that starts at `period_start`.

    `corrects` is the start of the period that an adjustment corrects.
    """
    fields = [_escaped(subscription), _escaped(charge), _instant(period_start)]
    if corrects is not None:
        fields.append(_instant(corrects))
    return f"{MODULE}.{'--'.join(fields)}"


def moved_suffix(suffix: str, *, product: int | None, order: int | None) -> str:
    """Return the suffix of the id of a line after a move; `suffix` is that of the former line.

    `product` and `order` are the new ones, None if unchanged. The parts of the former suffix stay in it, so that no
    two lines of different products or orders ever share an id.
    """
    parts = dict(_SUFFIX.findall(suffix))
    if product is not None:
        parts["p"] = str(product)
    if order is not None:
        parts["o"] = str(order)
    return "".join(f"--{kind}{parts[kind]}" for kind in ("p", "o") if kind in parts)


def rating_of(external_id: str) -> tuple[str, str, datetime, datetime | None] | None:
    """Return the subscription, the charge, the start of the period and of the corrected period of an id.

    None if `external_id` is not an id of the service.
    """
    module, _, name = external_id.partition(".")
    fields = _SUFFIX.sub("", name).split("--")
    instants = fields[2:]
    if module != MODULE or len(fields) not in (3, 4) or not all(map(_INSTANT.fullmatch, instants)):
        return None
    try:
        start, *corrects = map(_read_instant, instants)
        return _unescaped(fields[0]), _unescaped(fields[1]), start, corrects[0] if corrects else None
    except ValueError:
        return None


def _escaped(text: str) -> str:
    return "".join(
        character if _PLAIN.fullmatch(character) else "".join(f"-{byte:02x}" for byte in character.encode())
        for character in text
    )


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[0].replace("-", "")).decode(), text)


def _read_instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
