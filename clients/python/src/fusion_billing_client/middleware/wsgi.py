"""Count the requests of a WSGI app: Flask, Django, Pyramid, Bottle."""

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from fusion_billing_client.meter import Meter
from fusion_billing_client.middleware.counting import count

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | None
Write = Callable[[bytes], object]

_SERVER_ERROR = 500


class MeterMiddleware:
    """Counts each request of a subscription once its response begins.

    Args:
        app: The app.
        meter: The meter.
        subscription: Returns the subscription of a request from its environ, or None to count nothing. It is called
            when the response begins, so what the app has put into the environ is there.
        metric: The metric.
        properties: Returns the properties to count with.
        counts: Whether a response of this status counts; by default if it is not an error of the server.
    """

    def __init__(
        self,
        app: Callable[[Environ, Any], Iterable[bytes]],
        *,
        meter: Meter,
        subscription: Callable[[Environ], str | None],
        metric: str = "api_calls",
        properties: Callable[[Environ], Mapping[str, str]] | None = None,
        counts: Callable[[int], bool] = lambda status: status < _SERVER_ERROR,
    ) -> None:
        self._app = app
        self._meter = meter
        self._subscription = subscription
        self._metric = metric
        self._properties = properties
        self._counts = counts

    def __call__(self, environ: Environ, start_response: Callable[..., Write]) -> Iterable[bytes]:
        """Serve a request."""
        is_counted = False

        def counting_start(status: str, headers: list[tuple[str, str]], *error: ExcInfo) -> Write:
            nonlocal is_counted
            if not is_counted and self._counts(int(status.split(" ", 1)[0])):
                is_counted = True  # an app may start a second response after an error
                properties = self._properties(environ) if self._properties else None
                count(self._meter, self._subscription(environ), self._metric, 1, properties)
            return start_response(status, headers, *error)

        return self._app(environ, counting_start)
