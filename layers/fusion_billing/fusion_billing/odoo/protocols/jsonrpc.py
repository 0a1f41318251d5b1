"""Odoo's JSON-RPC API (`POST /jsonrpc`), for Odoo 17 and 18."""

import itertools
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fusion_billing.odoo.error_classification import from_name, from_response, from_status
from fusion_billing.odoo.errors import OdooError
from fusion_billing.odoo.protocols.execute_kw import ExecuteKw, wrong_database_if_missing
from fusion_billing.odoo.transport import Http, Response

_OK = 200


class JsonRpc(ExecuteKw):
    """Call Odoo over JSON-RPC; an error is an object with the Python name under `data.name`."""

    def __init__(self, http: Http, database: str) -> None:
        super().__init__(http, database)
        self._numbers = itertools.count(1)

    def _dispatch(self, service: str, method: str, arguments: list[Any], seconds: float) -> Any:
        call = {
            "jsonrpc": "2.0",
            "method": "call",
            "params": {"service": service, "method": method, "args": arguments},
            "id": next(self._numbers),
        }
        body = json.dumps(call, ensure_ascii=False, allow_nan=False).encode()
        response = self._http.post("/jsonrpc", {"Content-Type": "application/json"}, body, seconds)
        document = _parsed(response)
        if response.status != _OK or not isinstance(document, dict):
            raise from_response(response.status, response.content_type, document, response.retry_after)
        if "error" in document:
            raise _of_error(document["error"])
        return document.get("result")


def _parsed(response: Response) -> object:
    try:
        return json.loads(response.body, parse_float=Decimal)
    except ValueError:
        return None


def _of_error(error: object) -> OdooError:
    data = error.get("data") if isinstance(error, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
        return from_status(_OK, "application/json")
    message = data.get("message")
    return wrong_database_if_missing(from_name(str(data["name"]), message if isinstance(message, str) else ""))
