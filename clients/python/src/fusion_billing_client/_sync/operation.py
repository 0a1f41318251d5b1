"""Sources, keys, order lines, the audit log and the service itself."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fusion_billing_client._sync.transport import Resource
from fusion_billing_client.models import AuditEntry, Key, Line, PortalToken, Report, Source


class Sources(Resource):
    """The routes of sources and their keys."""

    def create(
        self,
        name: str,
        *,
        metrics: Sequence[str] | None = None,
        plans: Sequence[str] | None = None,
        subscriptions: Sequence[str] | None = None,
        requests_per_second: int | None = None,
    ) -> Source:
        """Create a source, limited to metrics, plans or subscriptions if named. Not repeated after a lost response."""
        limits = (("metrics", metrics), ("plans", plans), ("subscriptions", subscriptions))
        body: dict[str, Any] = {"name": name, **{field: list(value) for field, value in limits if value is not None}}
        if requests_per_second is not None:
            body["requests_per_second"] = requests_per_second
        return self._one(Source, "POST", "/v1/sources", body=body, repeatable=False)

    def list(self, *, page_size: int | None = None) -> Iterator[Source]:
        """Yield the sources."""
        return self._all(Source, "/v1/sources", page_size=page_size)

    def get(self, source_id: str) -> Source:
        """Return a source and its live keys."""
        return self._one(Source, "GET", "/v1/sources/{source_id}", {"source_id": source_id})

    def change(self, source_id: str, changes: Mapping[str, Any]) -> Source:
        """Change the name or the limits of a source; None removes a limit."""
        return self._one(Source, "PATCH", "/v1/sources/{source_id}", {"source_id": source_id}, body=changes)

    def create_key(self, source_id: str, scopes: Sequence[str], *, expires_at: datetime | None = None) -> Key:
        """Create a key of a source; only this response holds it. Not repeated after a lost response."""
        body: dict[str, Any] = {"scopes": list(scopes)}
        if expires_at is not None:
            body["expires_at"] = expires_at
        path = {"source_id": source_id}
        return self._one(Key, "POST", "/v1/sources/{source_id}/keys", path, body=body, repeatable=False)

    def revoke_key(self, key_id: str) -> None:
        """Revoke a key."""
        self._json("DELETE", "/v1/keys/{key_id}", {"key_id": key_id})

    def portal_token(self, subscription: str, *, expires_in: int | None = None) -> PortalToken:
        """Return a signed token that reads one subscription, for `expires_in` seconds."""
        body: dict[str, Any] = {"subscription": subscription}
        if expires_in is not None:
            body["expires_in"] = expires_in
        return self._one(PortalToken, "POST", "/v1/portal-tokens", body=body)


class Lines(Resource):
    """The routes of order lines."""

    def list(self, *, state: str | None = None, page_size: int | None = None) -> Iterator[Line]:
        """Yield the order lines in a state: `failed` (the default), `due`, `sent`, `final_invoice`, ..."""
        return self._all(Line, "/v1/lines", query={"state": state}, page_size=page_size)

    def get(self, line: str) -> Line:
        """Return an order line."""
        return self._one(Line, "GET", "/v1/lines/{line}", {"line": line})

    def retry(self, line: str) -> Line:
        """Send a failed order line again, at once."""
        return self._one(Line, "POST", "/v1/lines/{line}/retry", {"line": line})

    def reconcile(
        self,
        *,
        subscription: str | None = None,
        period_start: datetime | str | None = None,
        repair: bool = False,
        cursor: str | None = None,
    ) -> Report:
        """Compare order lines with Odoo, and repair what can be repaired if requested."""
        given = {
            "subscription": subscription,
            "period_start": period_start,
            "repair": repair or None,
            "cursor": cursor,
        }
        body = {name: value for name, value in given.items() if value is not None}
        return self._one(Report, "POST", "/v1/lines/reconcile", body=body)


class Audit(Resource):
    """The audit log."""

    def list(
        self,
        *,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        actor: str | None = None,
        object_: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[AuditEntry]:
        """Yield who changed what in `[start, end)`, the newest first: by a key (`actor`), or of an object."""
        query = {"from": start, "to": end, "actor": actor, "object": object_}
        return self._all(AuditEntry, "/v1/audit", query=query, page_size=page_size)
