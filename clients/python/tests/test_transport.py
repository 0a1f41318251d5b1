import asyncio
from collections.abc import Iterator
from datetime import datetime, timezone

import httpx
import pytest

import fusion_billing_client
from fusion_billing_client import (
    APIError,
    AsyncClient,
    AuthenticationError,
    Client,
    ConflictError,
    ConnectionFailed,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    RetryPolicy,
    ServerError,
    TimedOut,
    VersionConflictError,
)
from fusion_billing_client.requests import check_key
from fusion_billing_client.retries import retry_after_seconds

Reply = httpx.Response | Exception
FAST = RetryPolicy(attempts=4, base=0.0, longest_retry_after=60)


def problem(status: int, code: str = "unavailable", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "Something", "status": status}, headers=headers)


class Server:
    """Replies in turn, and notes what it was sent."""

    def __init__(self, *replies: Reply) -> None:
        self._replies: Iterator[Reply] = iter(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def client(self, retries: RetryPolicy = FAST) -> Client:
        http = httpx.Client(transport=httpx.MockTransport(self))
        return Client("https://billing.example.com/", "fb_id_secret", retries=retries, http=http)


HEALTH = httpx.Response(200, json={"status": "ok", "version": "1"})
SOURCE = httpx.Response(201, json={"id": "src_1", "name": "app"})


@pytest.mark.parametrize(
    "failure",
    [
        problem(429, "rate_limited"),
        problem(500, "internal_error"),
        problem(502),
        problem(503),
        problem(504),
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("hung up"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_a_failed_request_is_repeated(failure: Reply) -> None:
    server = Server(failure, failure, HEALTH)
    assert server.client().health().status == "ok"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_rejected_request_is_not_repeated(status: int) -> None:
    server = Server(problem(status, "invalid"))
    with pytest.raises(APIError):
        server.client().health()
    assert len(server.requests) == 1


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), httpx.ReadError("reset"), problem(503), problem(500)])
def test_what_creates_something_new_is_not_repeated_after_it_may_have_arrived(failure: Reply) -> None:
    server = Server(failure, SOURCE)
    with pytest.raises(fusion_billing_client.FusionBillingError):
        server.client().sources.create("app")
    assert len(server.requests) == 1


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), problem(429, "rate_limited")])
def test_what_creates_something_new_is_repeated_if_it_did_not_arrive(failure: Reply) -> None:
    server = Server(failure, SOURCE)
    assert server.client().sources.create("app").id == "src_1"


def test_attempts_end(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(*[httpx.ConnectError("refused")] * 4)
    with pytest.raises(ConnectionFailed, match="GET /v1/health: refused"):
        server.client().health()
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "unknown_key", AuthenticationError),
        (404, "not_found", NotFoundError),
        (409, "conflict", ConflictError),
        (409, "version_conflict", VersionConflictError),
        (413, "too_large", InvalidRequestError),
        (422, "invalid", InvalidRequestError),
        (429, "rate_limited", RateLimitedError),
        (503, "unavailable", ServerError),
    ],
)
def test_an_error_has_the_exception_of_its_status(status: int, code: str, kind: type[APIError]) -> None:
    with pytest.raises(kind) as raised:
        Server(problem(status, code)).client(RetryPolicy(attempts=1)).health()
    assert (raised.value.status, raised.value.code) == (status, code)


def test_an_error_names_its_fields_and_never_the_key() -> None:
    fault = {"field": "quantity", "code": "negative", "message": "must not be negative"}
    document = {"code": "invalid", "detail": "The body is not valid", "errors": [fault]}
    with pytest.raises(InvalidRequestError) as raised:
        Server(httpx.Response(422, json=document)).client().health()
    assert "quantity must not be negative" in str(raised.value)
    assert raised.value.errors[0].field == "quantity"
    client = Server().client()
    assert "secret" not in f"{client!r} {raised.value!r} {vars(raised.value)}"


def test_an_error_of_a_gateway_is_an_error_too() -> None:
    with pytest.raises(APIError, match="Forbidden"):
        Server(httpx.Response(403, json={"message": "Forbidden"})).client().health()
    with pytest.raises(ServerError, match="bad gateway"):
        Server(httpx.Response(502, text="<html>bad gateway</html>")).client(RetryPolicy(attempts=1)).health()
    with pytest.raises(APIError, match="not JSON"):
        Server(httpx.Response(200, text="<html>")).client().health()


def test_a_timeout_is_an_exception_of_its_own() -> None:
    with pytest.raises(TimedOut, match="no response in time"):
        Server(httpx.ReadTimeout("slow")).client(RetryPolicy(attempts=1)).health()


def test_delays_grow_with_jitter_and_honor_retry_after() -> None:
    policy = RetryPolicy(attempts=10, base=1.0, longest=8.0)
    for attempt, longest in ((1, 1), (2, 2), (3, 4), (4, 8), (8, 8)):
        delays = {policy.delay(attempt, None) or 0 for _ in range(50)}
        assert len(delays) > 10, "there is jitter"
        assert all(longest / 2 <= delay <= longest for delay in delays)
    assert policy.delay(1, 30.0) == 30.0
    assert policy.delay(1, 61.0) is None
    assert policy.delay(10, None) is None


def test_retry_after_may_be_seconds_or_a_date() -> None:
    now = datetime(2026, 11, 3, tzinfo=timezone.utc)
    assert retry_after_seconds("7") == 7
    assert retry_after_seconds("Tue, 03 Nov 2026 00:01:00 GMT", now) == 60
    assert retry_after_seconds("soon") is None
    assert retry_after_seconds(None) is None


def test_a_delete_whose_response_was_lost_succeeds_when_it_is_repeated() -> None:
    server = Server(httpx.ReadError("reset"), problem(404, "not_found"))
    server.client().metrics.delete("calls")
    with pytest.raises(NotFoundError):
        Server(problem(404, "not_found")).client().metrics.delete("calls")


def test_lists_are_read_page_by_page() -> None:
    def page(code: str, cursor: str | None) -> httpx.Response:
        item = {"code": code, "name": code, "aggregation": "sum", "version": 1}
        return httpx.Response(200, json={"items": [item], "cursor": cursor})

    server = Server(page("a", "x y"), page("b", None))
    assert [metric.code for metric in server.client().metrics.list(page_size=1)] == ["a", "b"]
    assert [str(request.url.query, "ascii") for request in server.requests] == ["limit=1", "limit=1&cursor=x+y"]


def test_the_same_with_asyncio() -> None:
    server = Server(problem(503), httpx.Response(200, json={"status": "ok", "version": "1"}))

    async def main() -> str:
        http = httpx.AsyncClient(transport=httpx.MockTransport(server))
        async with http, AsyncClient("https://billing.example.com", "fb_id_secret", retries=FAST, http=http) as client:
            return (await client.health()).status

    assert asyncio.run(main()) == "ok"
    assert len(server.requests) == 2


@pytest.mark.parametrize("url", ["", "billing.example.com", "ftp://x", "http://"])
def test_a_wrong_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url: must be"):
        Client(url, "key")


def test_a_key_that_no_header_carries_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="key: must be") as raised:
        check_key("fb_id_geheim\nX: y")
    assert "geheim" not in str(raised.value)


def test_an_instant_needs_an_offset() -> None:
    with pytest.raises(ValueError, match="has no UTC offset"):
        Server().client().subscriptions.usage("42", at=datetime(2026, 11, 3))  # noqa: DTZ001
