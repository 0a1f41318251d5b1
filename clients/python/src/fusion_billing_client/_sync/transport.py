"""Send requests, repeat those that failed, and read pages."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import httpx

from fusion_billing_client import encoding
from fusion_billing_client.decoding import Model, decode
from fusion_billing_client.errors import APIError
from fusion_billing_client.pauses import pause
from fusion_billing_client.requests import (
    NOT_FOUND,
    Request,
    failure,
    headers,
    read_json,
    transport_error,
    was_not_sent,
)
from fusion_billing_client.retries import RETRIED_STATUSES, TOO_MANY_REQUESTS, RetryPolicy

M = TypeVar("M", bound=Model)


class Transport:
    """Sends requests with one API key; a process forked from this one opens its own connections."""

    def __init__(
        self,
        base_url: str,
        key: str | None,
        *,
        timeout: httpx.Timeout,
        retries: RetryPolicy,
        http: httpx.Client | None = None,
    ) -> None:
        self._base_url = base_url
        self._key = key
        self._timeout = timeout
        self._retries = retries
        self._given = http
        self._http: httpx.Client | None = None
        self._process = os.getpid()

    def send(self, request: Request) -> httpx.Response:
        """Return the successful response to a request; raises `TransportError` or `APIError`."""
        attempt = 1
        may_have_arrived = False
        while True:
            error: Exception
            retry_after: float | None = None
            try:
                response = self._client().request(
                    request.method,
                    self._base_url + request.path,
                    params=dict(request.query) or None,
                    content=request.content,
                    headers=headers(self._key, request),
                    timeout=self._timeout,
                )
            except httpx.TransportError as lost:
                error = transport_error(lost, request)
                again = request.repeatable or was_not_sent(lost)
                may_have_arrived = may_have_arrived or not was_not_sent(lost)
            else:
                rejected = failure(response)
                if rejected is None:
                    return response
                if rejected.status == NOT_FOUND and request.method == "DELETE" and may_have_arrived:
                    return httpx.Response(204)  # the attempt whose response was lost deleted it
                error, retry_after = rejected, rejected.retry_after
                again = rejected.status in RETRIED_STATUSES
                again = again and (request.repeatable or rejected.status == TOO_MANY_REQUESTS)
                may_have_arrived = True
            delay = (request.retries or self._retries).delay(attempt, retry_after) if again else None
            if delay is None:
                raise error
            pause(delay)
            attempt += 1

    def json(self, request: Request) -> Any:
        """Return the JSON of the response to a request; None if it has no body."""
        return read_json(self.send(request))

    def _client(self) -> httpx.Client:
        """Return the HTTP client; connections of a parent process are never used."""
        if self._given is not None:
            return self._given
        if self._http is None or self._process != os.getpid():
            self._http = httpx.Client(follow_redirects=False)
            self._process = os.getpid()
        return self._http

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None and self._process == os.getpid():
            self._http.close()
        self._http = None


class Resource:
    """A group of routes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _json(
        self,
        method: str,
        template: str,
        parameters: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        repeatable: bool = True,
    ) -> Any:
        path = encoding.path(template, parameters or {})
        given = encoding.query(query or {})
        encoded = None if body is None else encoding.encode(body)
        return self._transport.json(Request(method, path, given, encoded, repeatable=repeatable))

    def _one(
        self,
        model: type[M],
        method: str,
        template: str,
        parameters: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        repeatable: bool = True,
    ) -> M:
        value = self._json(method, template, parameters, query=query, body=body, repeatable=repeatable)
        if not isinstance(value, dict):
            raise APIError(200, {"code": "unexpected_response", "detail": f"{method} {template}: expected an object"})
        return decode(model, value)

    def _all(
        self,
        model: type[M],
        template: str,
        parameters: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        page_size: int | None = None,
    ) -> Iterator[M]:
        """Yield every item of a list, page by page."""
        path = encoding.path(template, parameters or {})
        given = encoding.query({**(query or {}), "limit": page_size})
        cursor: str | None = None
        while True:
            page = given if cursor is None else {**given, "cursor": cursor}
            value = self._transport.json(Request("GET", path, page))
            for item in value["items"]:
                yield decode(model, item)
            cursor = value.get("cursor")
            if not cursor:
                return
