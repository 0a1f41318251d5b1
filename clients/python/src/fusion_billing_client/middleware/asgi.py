"""Count the requests of an ASGI app: FastAPI, Starlette, Django, Quart."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fusion_billing_client.meter import Meter
from fusion_billing_client.middleware.counting import count

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SERVER_ERROR = 500


class MeterMiddleware:
    """Counts each request of a subscription once its response begins.

    Args:
        app: The app.
        meter: The meter.
        subscription: Returns the subscription of a request from its scope, or None to count nothing. It is called
            when the response begins, so what the app has put into the scope's `state` is there.
        metric: The metric.
        properties: Returns the properties to count with.
        counts: Whether a response of this status counts; by default if it is not an error of the server.
    """

    def __init__(
        self,
        app: App,
        *,
        meter: Meter,
        subscription: Callable[[Scope], str | None],
        metric: str = "api_calls",
        properties: Callable[[Scope], Mapping[str, str]] | None = None,
        counts: Callable[[int], bool] = lambda status: status < _SERVER_ERROR,
    ) -> None:
        self._app = app
        self._meter = meter
        self._subscription = subscription
        self._metric = metric
        self._properties = properties
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counting_send(message: Message) -> None:
            if message["type"] == "http.response.start" and self._counts(message["status"]):
                properties = self._properties(scope) if self._properties else None
                count(self._meter, self._subscription(scope), self._metric, 1, properties)
            await send(message)

        await self._app(scope, receive, counting_send)
