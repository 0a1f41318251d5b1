"""The examples of the pages about middleware, run as they are, and what they promise."""

import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fusion_billing_client import Meter
from fusion_billing_client.middleware.asgi import MeterMiddleware
from fusion_billing_client.middleware.decorator import counted
from tests.conftest import Ingest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def example(
    ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[dict[str, Any]]:
    """The names that the example of a page defines; its ledger is in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASE_URL", ingest.base_url)
    monkeypatch.setenv("KEY", "fb_test_key")
    [code] = re.findall(r"```python\n(.*?)```", (DOCS / f"{request.param}.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": request.param}
    exec(compile(code, f"{request.param}.md", "exec"), names)
    yield names
    names["meter"].close()
    names["meter"]._client.close()


def counted_records(example: dict[str, Any], ingest: Ingest) -> list[tuple[str, str, Any]]:
    example["meter"].flush()
    return [(record["subscription"], record["quantity"], record.get("properties")) for record in ingest.records()]


@pytest.mark.parametrize("example", ["asgi"], indirect=True)
def test_asgi(example: dict[str, Any], ingest: Ingest) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(example["app"])) as client:
            for headers in ({"x-subscription": "4101"}, {"x-subscription": "4101"}, {}):
                assert (await client.get("http://app/", headers=headers)).text == "hello"

    asyncio.run(main())
    assert counted_records(example, ingest) == [("4101", "2", {"method": "GET"})]


@pytest.mark.parametrize("example", ["wsgi"], indirect=True)
def test_wsgi(example: dict[str, Any], ingest: Ingest) -> None:
    with httpx.Client(transport=httpx.WSGITransport(example["app"])) as client:
        for headers in ({"x-subscription": "4101"}, {"x-subscription": "4102"}, {}):
            assert client.get("http://app/", headers=headers).text == "hello"
    assert sorted(counted_records(example, ingest), key=str) == [("4101", "1", None), ("4102", "1", None)]


@pytest.mark.parametrize("example", ["celery"], indirect=True)
def test_celery(example: dict[str, Any], ingest: Ingest) -> None:
    example["app"].conf.task_always_eager = True
    example["render"].delay("4101", 12)
    example["render"].delay("4101", 3)
    assert counted_records(example, ingest) == [("4101", "15", {"task": "celery.render"})]


@pytest.mark.parametrize("example", ["decorator"], indirect=True)
def test_decorator(example: dict[str, Any], ingest: Ingest) -> None:
    assert example["report"]("4101", month="November") == "report of November"
    assert asyncio.run(example["export"](customer="4101", rows=["a", "b"])) == ["a", "b"]
    assert sorted(counted_records(example, ingest), key=str) == [("4101", "1", {"kind": "report"}), ("4101", "2", None)]


def test_a_call_that_raises_is_not_counted(tmp_path: Path) -> None:
    with Meter(None, tmp_path / "usage.db", flush_interval=None) as meter:

        @counted(meter, "api_calls", subscription=lambda: "42")
        def fail() -> None:
            raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert meter.status().pending == 0


def test_a_wrong_parameter_is_refused_when_the_function_is_defined(tmp_path: Path) -> None:
    with Meter(None, tmp_path / "usage.db", flush_interval=None) as meter:
        decorate = counted(meter, "api_calls", subscription="client")
        with pytest.raises(ValueError, match="subscription: <lambda> has no parameter 'client'"):
            decorate(lambda customer: customer)


@pytest.mark.parametrize("status", [200, 404, 500])
def test_server_errors_do_not_count_and_a_failed_count_does_not_fail_a_request(
    tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def main(subscription: str) -> None:
        counting = MeterMiddleware(app, meter=meter, subscription=lambda _: subscription)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(counting)) as client:
            assert (await client.get("http://app/")).status_code == status

    with Meter(None, tmp_path / "usage.db", flush_interval=None) as meter, caplog.at_level(logging.ERROR):
        asyncio.run(main("42"))
        assert meter.status().pending == (0 if status == 500 else 1)
        asyncio.run(main("not an id"))
        assert ("was not counted" in caplog.text) == (status < 500)
