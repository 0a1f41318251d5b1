"""The patterns of path parameters. Nothing exists under a value that does not match."""

import re

from fusion_billing.access.keys import ID_PATTERN
from fusion_billing.catalog.identifiers import CODE, MAX_IDEMPOTENCY_KEY, SOURCE_ID, SUBSCRIPTION_ID

MAX_LENGTH = 512
"""Characters of the longest path parameter, the id of an adjustment's order line among them."""

_ENDPOINT = r"ep_[0-9A-Z]{16}"

PATTERNS: dict[str, str] = {
    "charge": rf"{CODE.pattern}(@[0-9TZ:.+-]{{1,40}})?",
    "code": CODE.pattern,
    "delivery": rf"{_ENDPOINT}~msg_[0-9A-Z]{{26}}",
    "endpoint": _ENDPOINT,
    "event": r"msg_[0-9A-Z]{26}",
    "idempotency_key": rf".{{1,{MAX_IDEMPOTENCY_KEY}}}",
    "key_id": ID_PATTERN.pattern,
    "line": rf"{SUBSCRIPTION_ID.pattern}~\d{{8}}T\d{{6}}Z~{CODE.pattern}(@\d{{8}}T\d{{6}}Z)?",
    "period_start": r"[0-9TZtz:.+-]{1,40}",
    "run": r"run_[0-9a-f]{32}",
    "source_id": SOURCE_ID.pattern,
    "subscription": SUBSCRIPTION_ID.pattern,
}
"""Name of a path parameter -> the pattern of its values."""


def exists(name: str, value: str) -> bool:
    """Return whether something can exist under `value`."""
    return len(value) <= MAX_LENGTH and re.fullmatch(PATTERNS[name], value, re.ASCII | re.DOTALL) is not None
