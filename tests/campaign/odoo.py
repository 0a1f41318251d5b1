"""The stand-in Odoo as the relay's HTTP client meets it in a campaign: every call passes the director."""

import json
from collections.abc import Mapping

from fusion_billing.odoo.errors import ConnectionLost
from fusion_billing.odoo.transport import Response as HttpResponse
from local.odoo import json2
from local.odoo.engine import StandIn
from local.odoo.faults import GatewayAnswer, Hangup
from local.odoo.json2 import Request, as_html
from tests.memory_dynamodb import Hooks


class Http:
    """What `fusion_billing.odoo.transport.Http` is, on a stand-in of this process."""

    def __init__(self, stand_in: StandIn, hooks: Hooks) -> None:
        self._stand_in = stand_in
        self._hooks = hooks

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
