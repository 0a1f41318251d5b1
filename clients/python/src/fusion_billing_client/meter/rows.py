"""The rows of the ledger, as the parts of the meter exchange them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fusion_billing_client.meter.identity import Identity


@dataclass(frozen=True)
class Row:
    """One usage record of the ledger, as far as it must be pushed."""

    id: int
    key: str
    identity: Identity
    quantity: str
    revision: int

    def record(self) -> dict[str, Any]:
        """Return the record as the API takes it: the whole counter, with a sequence that rises with it."""
        identity = self.identity
        record: dict[str, Any] = {
            "idempotency_key": self.key,
            "subscription": identity.subscription,
            "metric": identity.metric,
            "period_start": identity.start,
            "period_end": identity.end,
            "quantity": self.quantity,
        }
        if identity.kind != "unique":
            record["sequence"] = self.revision
        if identity.member is not None:
            record["member"] = identity.member
        if identity.properties:
            record["properties"] = json.loads(identity.properties)
        return record


@dataclass(frozen=True)
class Rejected:
    """A usage record that the service does not have as the ledger does.

    Attributes:
        key: The idempotency key.
        subscription: The subscription.
        metric: The metric.
        period_start: The start of the window.
        period_end: The end of the window.
        quantity: What the ledger counted.
        accepted: How much of it the service accepted before.
        code: The error code, such as `unknown_subscription`; `foreign_writer` if something else pushed under the key.
        message: The reason, a sentence.
        properties: The properties.
        member: The member, for `unique`.
    """

    key: str
    subscription: str
    metric: str
    period_start: str
    period_end: str
    quantity: Decimal
    accepted: Decimal | None
    code: str
    message: str
    properties: Mapping[str, str] = field(default_factory=dict)
    member: str | None = None
