"""Define every identifier, its pattern, and every limit of the API, each once.

Nothing here imports pydantic or another module of the package, so that ingest can use it without a slower start.
A limit that concerns one algorithm only (how often it retries, how much it caches) stays with that algorithm.
"""

import re
from datetime import timedelta
from typing import Final

# Identifiers

CODE: Final = re.compile(r"[a-z0-9_.-]{1,64}", re.ASCII)
"""The code of a metric or a charge."""

CODE_RULE: Final = "must be 1 to 64 of a-z, 0-9, '_', '.' and '-'"

SUBSCRIPTION_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
"""The id of a subscription, or an alias of it."""

SOURCE_ID: Final = SUBSCRIPTION_ID
"""The id of a source."""

ID_RULE: Final = "must be 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-'"

DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
"""A date as text; whether the calendar has it is checked when it is parsed."""

DECIMAL: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
"""A decimal as responses and events have it."""

SHARD_POSITION: Final = re.compile(r"(\d{1,2}):(.*)", re.ASCII)
"""A position in a list that is stored in shards: `<shard>:<id>`."""

# Storage

MAX_STORED_BYTES: Final = 350_000
"""Bytes of one stored value: a DynamoDB item holds 400 KB, its other attributes included."""

# Requests

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
MAX_RESPONSE_BYTES: Final = 4_000_000
"""Bytes of a list in a response. Lambda takes responses of 6 MB, in which every quote of the body is escaped."""

MAX_FAULTS: Final = 100
"""Entries of `errors` in a response; `errors_total` counts all faults."""

MAX_PAGE: Final = 500
DEFAULT_PAGE: Final = 100
MAX_REASON: Final = 256
"""Characters of the reason of a change or of a voided record."""

# Usage records

MAX_RECORDS: Final = 500
"""Usage records of a batch."""

MAX_IDEMPOTENCY_KEY: Final = 256
MAX_MEMBER: Final = 256
MAX_PROPERTIES: Final = 32
MAX_PROPERTY_NAME: Final = 64
MAX_PROPERTY_VALUE: Final = 256
MAX_PROPERTIES_BYTES: Final = 4096
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2199
"""The years, in UTC, that windows of usage records may lie in."""

MAX_LEVEL_WINDOW: Final = timedelta(days=32)
"""The longest window of a `time_weighted` metric: so far before a period its usage records are read."""

MAX_COMPARED: Final = 10_000
"""Usage records of one comparison with an app's books."""

# Definitions

MAX_TEXT: Final = 256
"""Characters of a name, a unit, a plan."""

MAX_DEFINITION_BYTES: Final = MAX_STORED_BYTES
"""Bytes of a definition's JSON, all its versions or overrides together."""

MAX_LISTED: Final = 1_000
"""Plans or subscriptions that a charge names, metrics that a source is limited to, values that a filter names."""

MAX_TIERS: Final = 100
MAX_FILTERS: Final = 100
MAX_FILTER_PROPERTIES: Final = 20
MAX_GROUP_BY: Final = 10
MAX_THRESHOLDS: Final = 20
MAX_ANALYTIC_ACCOUNTS: Final = 100
MAX_ROUNDING_DIGITS: Final = 38
MAX_OVERRIDES: Final = 100
"""Charges that a subscription overrides."""

MAX_DATED_OVERRIDES: Final = 50
"""Overrides of one charge, each with a `valid_from`."""

MAX_INTERVAL: Final = 1_000
"""Units of a billing period."""

MAX_ALIASES: Final = 50
"""Aliases of a subscription, those of its orders included."""

MAX_PLAN_CHANGES: Final = 50
MAX_ORDERS: Final = 40
"""Orders of a subscription's chain that a request names."""

# Lists

LIST_SHARDS: Final = 16
"""Shards of the list of subscriptions: partitions of the index `listing`."""

# Sources

MAX_LIMITS: Final = 100
"""Plans or subscriptions that a source is limited to: every request reads them with its key."""

MAX_REQUESTS_PER_SECOND: Final = 10_000
"""Requests per second that a source may be allowed."""

# Change markers

MARKERS_LIVE: Final = timedelta(days=14)
"""How long a change marker is kept: a rating run may come that late."""

LATE_AFTER: Final = timedelta(hours=3)
"""How long after the end of its window usage is late: its pair is rated hourly, whatever the rating cadence."""

# Webhook endpoints

MAX_ENDPOINTS: Final = 500
"""Endpoints of a source."""

MAX_DESCRIPTION: Final = 256
MAX_EVENT_FILTERS: Final = 50
MAX_URL: Final = 2048


def is_subscription_id(text: str) -> bool:
    """Return whether `text` can be the id of a subscription."""
    return SUBSCRIPTION_ID.fullmatch(text) is not None
