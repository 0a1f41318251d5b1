"""Usage records: push, show, void, list and reconcile."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from fusion_billing_client import encoding
from fusion_billing_client._async.transport import AsyncResource
from fusion_billing_client.decoding import decode
from fusion_billing_client.models import PushResult, PushResults, Reconciliation, UsageRecord, VoidResult
from fusion_billing_client.pauses import async_pause
from fusion_billing_client.pushing import batches, not_sent, order_key, prepared
from fusion_billing_client.requests import Request
from fusion_billing_client.retries import RetryPolicy

_UNAVAILABLE = RetryPolicy(attempts=4)


class AsyncUsage(AsyncResource):
    """The routes of usage records."""

    async def push(self, records: Iterable[Mapping[str, Any]], *, by_window: bool = False) -> PushResults:
        """Push usage records, any number of them; return the result of each, in their order.

        A record without an `idempotency_key` gets one, so that a retry does not count it twice; it is in the
        result. With `by_window` the service derives it: all records are of metrics with `"idempotency": "window"`.
        Records that were `unavailable` are sent again, in their order: later ones of their key, or without a key of
        their metric, wait for them. A rejected record never costs the others.
        """
        pushed = [prepared(record, by_window=by_window) for record in records]
        found: dict[int, PushResult] = {}
        remaining = list(range(len(pushed)))
        attempt = 1
        while remaining:
            waiting: set[str] = set()
            for batch in batches(remaining, pushed):
                indexes = [index for index in batch if order_key(pushed[index]) not in waiting]
                results = await self.push_batch([pushed[index] for index in indexes]) if indexes else ()
                for result in results:
                    found[indexes[result.index]] = result
                for index in set(batch) - set(indexes):
                    found[index] = decode(PushResult, not_sent(pushed[index], index))
                waiting |= {order_key(pushed[index]) for index in batch if found[index].outcome == "unavailable"}
            remaining = [index for index in remaining if found[index].outcome == "unavailable"]
            delay = _UNAVAILABLE.delay(attempt, None)
            if not remaining or delay is None:
                break
            await async_pause(delay)
            attempt += 1
        return PushResults(tuple(_renumbered(found[index], index) for index in range(len(pushed))))

    async def push_batch(
        self, records: Sequence[Mapping[str, Any]], *, retries: RetryPolicy | None = None
    ) -> tuple[PushResult, ...]:
        """Push one batch of 1 to 500 records, each with an `idempotency_key`, in one request."""
        request = Request("POST", "/v1/usage", body={"records": encoding.encode(list(records))}, retries=retries)
        value = await self._transport.json(request)
        return tuple(decode(PushResult, result) for result in value["results"])

    async def get(self, idempotency_key: str, *, source: str | None = None) -> UsageRecord:
        """Return a record with its revisions."""
        path = {"idempotency_key": idempotency_key}
        return await self._one(UsageRecord, "GET", "/v1/usage/{idempotency_key}", path, query={"source": source})

    async def void(self, idempotency_key: str, *, reason: str | None = None, source: str | None = None) -> VoidResult:
        """Void a record: it is stored but no longer counts."""
        path = {"idempotency_key": idempotency_key}
        body = None if reason is None else {"reason": reason}
        return await self._one(
            VoidResult, "DELETE", "/v1/usage/{idempotency_key}", path, query={"source": source}, body=body
        )

    def list(
        self,
        subscription: str,
        metric: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        source: str | None = None,
        voided: bool = False,
        page_size: int | None = None,
    ) -> AsyncIterator[UsageRecord]:
        """Yield a subscription's records of a metric whose windows start in `[start, end)`."""
        query = {
            "subscription": subscription,
            "metric": metric,
            "from": start,
            "to": end,
            "source": source,
            "voided": voided or None,
        }
        return self._all(UsageRecord, "/v1/usage", query=query, page_size=page_size)

    async def reconcile(
        self,
        subscription: str,
        metric: str,
        *,
        start: datetime,
        end: datetime,
        records: Sequence[Mapping[str, Any]],
        source: str | None = None,
    ) -> Reconciliation:
        """Compare your own records (`idempotency_key`, `quantity`) with the stored ones."""
        body = {"subscription": subscription, "metric": metric, "from": start, "to": end, "records": records}
        return await self._one(Reconciliation, "POST", "/v1/usage/reconcile", query={"source": source}, body=body)


def _renumbered(result: PushResult, index: int) -> PushResult:
    if result.index == index:
        return result
    return decode(PushResult, {**result.raw, "index": index})
