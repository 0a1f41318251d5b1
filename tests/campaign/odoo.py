"""The stand-in Odoo as the relay's HTTP client meets it in a campaign: every call passes the director."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fusion_billing.odoo.errors import ConnectionLost
from fusion_billing.odoo.transport import Response as HttpResponse
from local.odoo import json2
from local.odoo.engine import StandIn
from local.odoo.faults import GatewayAnswer, Hangup
from local.odoo.json2 import Request, as_html
from tests.memory_dynamodb import Hooks


class LinesUnderWay:
    """The lines in calls that Odoo has yet to carry out. A second call with one of them may be the first to commit."""

    def __init__(self, wrong: list[str]) -> None:
        self._wrong = wrong
        self._names: list[str] = []

    @contextmanager
    def named_in(self, method: str, arguments: Mapping[str, Any]) -> Iterator[None]:
        """Keep a call under way, and note the lines that another call has named and not yet brought about."""
        names = _names(method, arguments)
        self._wrong += [f"two calls at once to Odoo about {name}" for name in names if name in self._names]
        self._names += names
        try:
            yield
        finally:
            for name in names:
                self._names.remove(name)


def _names(method: str, arguments: Mapping[str, Any]) -> list[str]:
    if method != "load":
        return []
    place = arguments["fields"].index("id")
    return [row[place] for row in arguments["data"]]


class Http:
    """What `fusion_billing.odoo.transport.Http` is, on a stand-in of this process."""

    def __init__(self, stand_in: StandIn, hooks: Hooks, under_way: LinesUnderWay) -> None:
        self._stand_in = stand_in
        self._hooks = hooks
        self._under_way = under_way

    def post(self, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> HttpResponse:
        """Post to the stand-in, unless a fault has it otherwise."""
        model, _, method = path.removeprefix(json2.PREFIX).partition("/")
        request = Request("POST", path, {name.lower(): value for name, value in headers.items()}, body)
        about = {
            "model": model,
            "method": method,
            "seconds": seconds,
            "arguments": json.loads(body or b"{}"),
            "post": lambda: carried_out(self._stand_in, request),
        }
        with self._under_way.named_in(method, about["arguments"]):
            self._hooks.before_call("Odoo", about)
            response: HttpResponse | None = self._hooks.instead("Odoo", about)
            if response is None:
                response = carried_out(self._stand_in, request)
        self._hooks.after_call("Odoo", about, {"response": response})
        return response


def carried_out(stand_in: StandIn, request: Request) -> HttpResponse:
    """Return the stand-in's response; raises `ConnectionLost` where it hangs up."""
    try:
        response = json2.response(stand_in, request)
    except GatewayAnswer as gateway:
        response = as_html("", gateway.status)
    except Hangup:
        raise ConnectionLost("the connection ended before the response did") from None
    return HttpResponse(response.status, response.content_type.partition(";")[0], response.body)


def response(status: int, text: str = "", *, retry_after: int | None = None) -> HttpResponse:
    """Return a response of a proxy before Odoo."""
    return HttpResponse(status, "text/html", text.encode(), retry_after)


__all__ = ["Http", "HttpResponse", "carried_out", "response"]
