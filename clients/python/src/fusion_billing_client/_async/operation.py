"""Sources, keys, order lines, the audit log and the service itself."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fusion_billing_client._async.transport import AsyncResource
from fusion_billing_client.models import AuditEntry, Key, Line, PortalToken, Report, Source


class AsyncSources(AsyncResource):
    """The routes of sources and their keys."""

    async def create(
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
        return await self._one(Source, "POST", "/v1/sources", body=body, repeatable=False)

    def list(self, *, page_size: int | None = None) -> AsyncIterator[Source]:
        """Yield the sources."""
        return self._all(Source, "/v1/sources", page_size=page_size)

    async def get(self, source_id: str) -> Source:
        """Return a source and its live keys."""
        return await self._one(Source, "GET", "/v1/sources/{source_id}", {"source_id": source_id})

    async def change(self, source_id: str, changes: Mapping[str, Any]) -> Source:
        """Change the name or the limits of a source; None removes a limit."""
        return await self._one(Source, "PATCH", "/v1/sources/{source_id}", {"source_id": source_id}, body=changes)

    async def create_key(self, source_id: str, scopes: Sequence[str], *, expires_at: datetime | None = None) -> Key:
        """Create a key of a source; only this response holds it. Not repeated after a lost response."""
        body: dict[str, Any] = {"scopes": list(scopes)}
        if expires_at is not None:
            body["expires_at"] = expires_at
        path = {"source_id": source_id}
        return await self._one(Key, "POST", "/v1/sources/{source_id}/keys", path, body=body, repeatable=False)

    async def revoke_key(self, key_id: str) -> None:
        """Revoke a key."""
        await self._json("DELETE", "/v1/keys/{key_id}", {"key_id": key_id})

    async def portal_token(self, subscription: str, *, expires_in: int | None = None) -> PortalToken:
        """Return a signed token that reads one subscription, for `expires_in` seconds."""
        body: dict[str, Any] = {"subscription": subscription}
        if expires_in is not None:
            body["expires_in"] = expires_in
        return await self._one(PortalToken, "POST", "/v1/portal-tokens", body=body)


class AsyncLines(AsyncResource):
    """The routes of order lines."""

    def list(self, *, state: str | None = None, page_size: int | None = None) -> AsyncIterator[Line]:
        """Yield the order lines in a state: `failed` (the default), `due`, `sent`, `final_invoice`, ..."""
        return self._all(Line, "/v1/lines", query={"state": state}, page_size=page_size)

    async def get(self, line: str) -> Line:
        """Return an order line."""
        return await self._one(Line, "GET", "/v1/lines/{line}", {"line": line})

    async def retry(self, line: str) -> Line:
        """Send a failed order line again, at once."""
        return await self._one(Line, "POST", "/v1/lines/{line}/retry", {"line": line})

    async def reconcile(
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
        return await self._one(Report, "POST", "/v1/lines/reconcile", body=body)


class AsyncAudit(AsyncResource):
    """The audit log."""

    def list(
        self,
        *,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        actor: str | None = None,
        object_: str | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[AuditEntry]:
        """Yield who changed what in `[start, end)`, the newest first: by a key (`actor`), or of an object."""
        query = {"from": start, "to": end, "actor": actor, "object": object_}
        return self._all(AuditEntry, "/v1/audit", query=query, page_size=page_size)
