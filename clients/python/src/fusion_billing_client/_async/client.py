"""The client with asyncio."""

from types import TracebackType
from typing import Any

import httpx

from fusion_billing_client._async.catalog import AsyncCharges, AsyncMetrics, AsyncSubscriptions
from fusion_billing_client._async.operation import AsyncAudit, AsyncLines, AsyncSources
from fusion_billing_client._async.ratings import AsyncRatings
from fusion_billing_client._async.transport import AsyncTransport
from fusion_billing_client._async.usage import AsyncUsage
from fusion_billing_client._async.webhooks import AsyncEndpoints, AsyncEvents
from fusion_billing_client.decoding import decode
from fusion_billing_client.models import Health
from fusion_billing_client.requests import Request, check_base_url, check_key
from fusion_billing_client.retries import RetryPolicy


class AsyncClient:
    """A client of Fusion Billing with asyncio.

        async with AsyncClient("https://billing.example.com", "fb_...") as client:
            usage = await client.subscriptions.usage("42")

    Args:
        base_url: The service's address, without `/v1`.
        key: An API key; None reaches only the open routes.
        timeout: Seconds for connecting, sending and receiving each, or an `httpx.Timeout`.
        retries: When a request is sent again; `NO_RETRIES` for never.
        http: An `httpx.AsyncClient` of your own, with proxies or certificates; you close it yourself.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout: float | httpx.Timeout = 30.0,
        retries: RetryPolicy | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.base_url = check_base_url(base_url)
        self.transport = transport = AsyncTransport(
            self.base_url,
            check_key(key),
            timeout=timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout, connect=min(timeout, 10)),
            retries=retries or RetryPolicy(),
            http=http,
        )
        self.usage = AsyncUsage(transport)
        self.metrics = AsyncMetrics(transport)
        self.charges = AsyncCharges(transport)
        self.subscriptions = AsyncSubscriptions(transport)
        self.ratings = AsyncRatings(transport)
        self.endpoints = AsyncEndpoints(transport)
        self.events = AsyncEvents(transport)
        self.sources = AsyncSources(transport)
        self.lines = AsyncLines(transport)
        self.audit = AsyncAudit(transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    async def health(self) -> Health:
        """Return whether the service is up, and its version."""
        return decode(Health, await self.transport.json(Request("GET", "/v1/health")))

    async def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document: dict[str, Any] = await self.transport.json(Request("GET", "/openapi.json"))
        return document

    async def aclose(self) -> None:
        """Close the connections."""
        await self.transport.close()

    async def __aenter__(self) -> "AsyncClient":  # noqa: PYI034  Self came with Python 3.11
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
