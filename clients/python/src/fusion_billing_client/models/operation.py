"""What operators work with: sources, keys, runs and order lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from fusion_billing_client.decoding import Model


@dataclass(frozen=True, kw_only=True)
class Source(Model):
    """An app that pushes usage."""

    id: str
    name: str
    metrics: tuple[str, ...] | None = None
    plans: tuple[str, ...] | None = None
    subscriptions: tuple[str, ...] | None = None
    requests_per_second: int | None = None
    created_at: datetime | None = None
    keys: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Key(Model):
    """A new API key; `key` is shown once."""

    id: str
    key: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    source: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PortalToken(Model):
    """A signed token that reads one subscription."""

    token: str = field(repr=False)
    subscription: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Run(Model):
    """A rating run."""

    run: str
    status: str
    started_at: datetime
    remaining_tasks: int = 0
    evaluated: int = 0
    changed: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class LineError(Model):
    """Why an order line could not be sent."""

    code: str
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class LineChange(Model):
    """What someone changed about an order line in Odoo."""

    found: tuple[str, ...] = ()
    amount: Decimal | None = None
    action: str | None = None
    detected_at: datetime | None = None
    odoo_line_id: int | None = None
    odoo_order_id: int | None = None
    odoo_amount: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Line(Model):
    """An order line."""

    id: str
    subscription: str
    charge: str
    state: str
    amount: Decimal
    currency: str
    period_start: datetime | None = None
    period_end: datetime | None = None
    version: int | None = None
    odoo_order_id: int | None = None
    odoo_line_id: int | None = None
    sent_version: int | None = None
    sent_amount: Decimal | None = None
    attempt_count: int = 0
    error: LineError | None = None
    changes_in_odoo: tuple[LineChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Health(Model):
    """Whether the service is up."""

    status: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Report(Model):
    """The report of a comparison or a synchronization; its content is in `raw`."""


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Model):
    """One entry of the audit log: who changed what, from what, to what."""

    id: str
    recorded_at: datetime
    actor: str | None = None
    source: str | None = None
    via: str | None = None
    action: str | None = None
    object: str | None = None
    stage: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str | None = None
    error: Any = None
