"""Metrics, charges and subscriptions."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from fusion_billing_client._sync.transport import Resource
from fusion_billing_client.encoding import instant_text
from fusion_billing_client.models import (
    Charge,
    ChargeDefinition,
    CurrentUsage,
    DryRun,
    Metric,
    MetricDefinition,
    Rating,
    RatingDetail,
    Report,
    Statement,
    Subscription,
    SubscriptionDefinition,
)

_SUBSCRIPTION = "/v1/subscriptions/{subscription}"


def _options(*, dry_run: bool = False, confirm: Iterable[str] = (), reason: str | None = None) -> dict[str, Any]:
    return {"dry_run": dry_run or None, "confirm": ",".join(confirm) or None, "reason": reason}


class Metrics(Resource):
    """The routes of metrics."""

    def put(
        self,
        code: str,
        definition: MetricDefinition | Mapping[str, Any],
        *,
        confirm: Iterable[str] = (),
        reason: str | None = None,
    ) -> Metric:
        """Create or replace a metric; a `version` in the definition guards it against changes in between."""
        query = _options(confirm=confirm, reason=reason)
        path = {"code": code}
        return self._one(Metric, "PUT", "/v1/metrics/{code}", path, query=query, body=definition)

    def preview(self, code: str, definition: MetricDefinition | Mapping[str, Any]) -> DryRun:
        """Return what `put` would change, in money too; nothing is stored."""
        query = _options(dry_run=True)
        path = {"code": code}
        return self._one(DryRun, "PUT", "/v1/metrics/{code}", path, query=query, body=definition)

    def get(self, code: str) -> Metric:
        """Return a metric."""
        return self._one(Metric, "GET", "/v1/metrics/{code}", {"code": code})

    def list(self, *, page_size: int | None = None) -> Iterator[Metric]:
        """Yield every metric."""
        return self._all(Metric, "/v1/metrics", page_size=page_size)

    def delete(self, code: str, *, reason: str | None = None) -> None:
        """Delete a metric that is not in use."""
        self._json("DELETE", "/v1/metrics/{code}", {"code": code}, query={"reason": reason})


class Charges(Resource):
    """The routes of charges."""

    def put(
        self,
        code: str,
        definition: ChargeDefinition | Mapping[str, Any],
        *,
        confirm: Iterable[str] = (),
        reason: str | None = None,
    ) -> Charge:
        """Create or replace a charge; a `version` in the definition guards it against changes in between."""
        query = _options(confirm=confirm, reason=reason)
        path = {"code": code}
        return self._one(Charge, "PUT", "/v1/charges/{code}", path, query=query, body=definition)

    def preview(self, code: str, definition: ChargeDefinition | Mapping[str, Any]) -> DryRun:
        """Return what `put` would change, in money too; nothing is stored."""
        query = _options(dry_run=True)
        path = {"code": code}
        return self._one(DryRun, "PUT", "/v1/charges/{code}", path, query=query, body=definition)

    def get(self, code: str) -> Charge:
        """Return a charge."""
        return self._one(Charge, "GET", "/v1/charges/{code}", {"code": code})

    def list(self, *, page_size: int | None = None) -> Iterator[Charge]:
        """Yield every charge."""
        return self._all(Charge, "/v1/charges", page_size=page_size)

    def delete(self, code: str, *, reason: str | None = None) -> None:
        """Delete a charge that is not in use."""
        self._json("DELETE", "/v1/charges/{code}", {"code": code}, query={"reason": reason})


class Subscriptions(Resource):
    """The routes of subscriptions."""

    def put(
        self,
        subscription: str,
        definition: SubscriptionDefinition | Mapping[str, Any],
        *,
        confirm: Iterable[str] = (),
        reason: str | None = None,
    ) -> Subscription:
        """Create or replace a subscription; a `version` in the definition guards it against changes in between."""
        query = _options(confirm=confirm, reason=reason)
        path = {"subscription": subscription}
        return self._one(Subscription, "PUT", "/v1/subscriptions/{subscription}", path, query=query, body=definition)

    def preview(self, subscription: str, definition: SubscriptionDefinition | Mapping[str, Any]) -> DryRun:
        """Return what `put` would change, in money too; nothing is stored."""
        query = _options(dry_run=True)
        path = {"subscription": subscription}
        return self._one(DryRun, "PUT", "/v1/subscriptions/{subscription}", path, query=query, body=definition)

    def get(self, subscription: str) -> Subscription:
        """Return a subscription."""
        return self._one(Subscription, "GET", "/v1/subscriptions/{subscription}", {"subscription": subscription})

    def list(self, *, page_size: int | None = None) -> Iterator[Subscription]:
        """Yield every subscription."""
        return self._all(Subscription, "/v1/subscriptions", page_size=page_size)

    def delete(self, subscription: str, *, reason: str | None = None) -> None:
        """Delete a subscription that is not in use."""
        self._json(
            "DELETE", "/v1/subscriptions/{subscription}", {"subscription": subscription}, query={"reason": reason}
        )

    def patch(
        self, subscription: str, changes: Mapping[str, Any], *, confirm: Iterable[str] = (), reason: str | None = None
    ) -> Subscription:
        """Change single fields of a subscription; None removes one."""
        query = _options(confirm=confirm, reason=reason)
        path = {"subscription": subscription}
        return self._one(Subscription, "PATCH", _SUBSCRIPTION, path, query=query, body=changes)

    def preview_patch(self, subscription: str, changes: Mapping[str, Any]) -> DryRun:
        """Return what `patch` would change; nothing is stored."""
        query = _options(dry_run=True)
        path = {"subscription": subscription}
        return self._one(DryRun, "PATCH", _SUBSCRIPTION, path, query=query, body=changes)

    def usage(self, subscription: str, *, at: datetime | str | None = None) -> CurrentUsage:
        """Return the usage and amounts of the open period, or of the period at an instant."""
        path = {"subscription": subscription}
        return self._one(CurrentUsage, "GET", f"{_SUBSCRIPTION}/usage", path, query={"at": at})

    def ratings(
        self, subscription: str, *, period_start: datetime | str | None = None, page_size: int | None = None
    ) -> Iterator[Rating]:
        """Yield ratings, the newest period first, or those of one period."""
        path, query = {"subscription": subscription}, {"period_start": period_start}
        return self._all(Rating, f"{_SUBSCRIPTION}/ratings", path, query=query, page_size=page_size)

    def rating(
        self,
        subscription: str,
        charge: str,
        *,
        period_start: datetime | str | None = None,
        steps_from: int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> RatingDetail:
        """Explain the amount of a charge in the open period, or in the one at `period_start`."""
        path = {"subscription": subscription, "charge": charge}
        query = {"period_start": period_start, "steps_from": steps_from, "limit": limit, "cursor": cursor}
        return self._one(RatingDetail, "GET", f"{_SUBSCRIPTION}/ratings/{{charge}}", path, query=query)

    def statements(self, subscription: str, *, page_size: int | None = None) -> Iterator[Statement]:
        """Yield the statements of closed periods, the newest first."""
        path = {"subscription": subscription}
        return self._all(Statement, f"{_SUBSCRIPTION}/statements", path, page_size=page_size)

    def statement(self, subscription: str, period_start: datetime | str) -> Statement:
        """Return the statement of the period that starts at an instant."""
        start = period_start if isinstance(period_start, str) else instant_text(period_start)
        path = {"subscription": subscription, "period_start": start}
        return self._one(Statement, "GET", f"{_SUBSCRIPTION}/statements/{{period_start}}", path)

    def sync(self, *, full: bool = False) -> Report:
        """Read the changed subscriptions from Odoo, or all of them."""
        return self._one(Report, "POST", "/v1/subscriptions/sync", body={"full": full})
