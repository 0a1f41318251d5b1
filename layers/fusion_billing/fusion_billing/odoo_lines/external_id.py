"""The external id of a line: one for each (subscription, charge, period), the same for ever.

Odoo reads `module.name`, the name without a dot. Subscriptions and charges may hold dots, colons and
hyphens, so each of these is written as a hyphen and its two hexadecimal digits; two hyphens part the fields,
which no field can hold then. Two lines never share an id, and the id can be read back by eye:
`fusion_billing.42--api_calls--20261101T000000Z`.

A line that moves to another product or another order is a new line, whose id ends in `--p<product>`,
`--o<order>` or both: the old one keeps its own, at a quantity of zero.
"""

import re
from datetime import UTC, datetime

MODULE = "fusion_billing"

_PLAIN = re.compile(r"[A-Za-z0-9_]")
_ESCAPED = re.compile(r"(?:-[0-9a-f]{2})+")
_INSTANT = re.compile(r"\d{8}T\d{6}Z")
_SUFFIX = re.compile(r"--([po])(\d+)")


def external_id(subscription: str, charge: str, period_start: datetime, corrects: datetime | None = None) -> str:
    """Return the external id of the line billed in the period that starts at `period_start`.

    `corrects` is, for an adjustment, the start of the period it corrects.
    """
    fields = [_escaped(subscription), _escaped(charge), _instant(period_start)]
    if corrects is not None:
        fields.append(_instant(corrects))
    return f"{MODULE}.{'--'.join(fields)}"


def moved_suffix(suffix: str, *, product: int | None, order: int | None) -> str:
    """Return what the id of a line ends in after a move; `suffix` is what the former line's ended in.

    `product` and `order` are the new ones, None for what stays. What was part of the former suffix is named
    again, so that no two lines of different products or orders ever share an id.
    """
    parts = dict(_SUFFIX.findall(suffix))
    if product is not None:
        parts["p"] = str(product)
    if order is not None:
        parts["o"] = str(order)
    return "".join(f"--{kind}{parts[kind]}" for kind in ("p", "o") if kind in parts)


def rating_of(external_id: str) -> tuple[str, str, datetime, datetime | None] | None:
    """Return the subscription, the charge, the period's start and what it corrects that an id was made of.

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
