"""The client."""

from types import TracebackType
from typing import Any

import httpx

from fusion_billing_client._sync.catalog import Charges, Metrics, Subscriptions
from fusion_billing_client._sync.operation import Audit, Lines, Sources
from fusion_billing_client._sync.ratings import Ratings
from fusion_billing_client._sync.transport import Transport
from fusion_billing_client._sync.usage import Usage
from fusion_billing_client._sync.webhooks import Endpoints, Events
from fusion_billing_client.decoding import decode
from fusion_billing_client.models import Health
from fusion_billing_client.requests import Request, check_base_url, check_key
from fusion_billing_client.retries import RetryPolicy


class Client:
    """A client of Fusion Billing.

        with Client("https://billing.example.com", "fb_...") as client:
            usage = client.subscriptions.usage("42")

    Args:
        base_url: The service's address, without `/v1`.
        key: An API key; None reaches only the open routes.
        timeout: Seconds for connecting, sending and receiving each, or an `httpx.Timeout`.
        retries: When a request is sent again; `NO_RETRIES` for never.
        http: An `httpx.Client` of your own, with proxies or certificates; you close it yourself.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout: float | httpx.Timeout = 30.0,
        retries: RetryPolicy | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self.base_url = check_base_url(base_url)
        self.transport = transport = Transport(
            self.base_url,
            check_key(key),
            timeout=timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout, connect=min(timeout, 10)),
            retries=retries or RetryPolicy(),
            http=http,
        )
        self.usage = Usage(transport)
        self.metrics = Metrics(transport)
        self.charges = Charges(transport)
        self.subscriptions = Subscriptions(transport)
        self.ratings = Ratings(transport)
        self.endpoints = Endpoints(transport)
        self.events = Events(transport)
        self.sources = Sources(transport)
        self.lines = Lines(transport)
        self.audit = Audit(transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    def health(self) -> Health:
        """Return whether the service is up, and its version."""
        return decode(Health, self.transport.json(Request("GET", "/v1/health")))

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document: dict[str, Any] = self.transport.json(Request("GET", "/openapi.json"))
        return document

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def __enter__(self) -> "Client":  # noqa: PYI034  Self came with Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
