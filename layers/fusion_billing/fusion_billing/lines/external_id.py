"""The external id of a line: one for each (subscription, charge, period), the same for ever.

Odoo reads `module.name`, the name without a dot. Subscriptions and charges may hold dots, colons and
hyphens, so each of these is written as a hyphen and its two hexadecimal digits; two hyphens part the fields,
which no field can hold then. Two lines never share an id, and the id can be read back by eye:
`fusion_billing.42--api_calls--20261101T000000Z`.
"""

import re
from datetime import UTC, datetime

MODULE = "fusion_billing"

_PLAIN = re.compile(r"[A-Za-z0-9_]")


def external_id(
    subscription: str, charge: str, period_start: datetime, corrects: datetime | None = None
) -> str:
    """Return the external id of the line billed in the period that starts at `period_start`.

    `corrects` is, for an adjustment, the start of the period it corrects.
    """
    fields = [_escaped(subscription), _escaped(charge), _instant(period_start)]
    if corrects is not None:
        fields.append(_instant(corrects))
    return f"{MODULE}.{'--'.join(fields)}"


def rolling_id(subscription: str, charge: str) -> str:
    """Return the external id of a rolling line: one a charge, whatever the period."""
    return f"{MODULE}.{_escaped(subscription)}--{_escaped(charge)}"


def _escaped(text: str) -> str:
    return "".join(
        character if _PLAIN.fullmatch(character) else "".join(f"-{byte:02x}" for byte in character.encode())
        for character in text
    )


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
