"""Odoo 19's External JSON-2 API: `POST /json/2/<model>/<method>` returns the bare value."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fusion_billing.json_types import JsonMapping, JsonValue
from fusion_billing.odoo.error_classification import from_response
from fusion_billing.odoo.errors import DatabaseUnavailable, OdooError, WrongAddress, WrongDatabase
from fusion_billing.odoo.keys import Credentials
from fusion_billing.odoo.transport import Http, Response

_OK = 200
_HEALTH_SECONDS = 10.0


class Json2:
    """The default protocol; `database` may be empty where the address serves one alone."""

    def __init__(self, http: Http, database: str) -> None:
        self._http = http
        self._database = database

    def call(
        self, credentials: Credentials, model: str, method: str, arguments: JsonMapping, seconds: float
    ) -> JsonValue:
        """Call `method` of `model`; see `wire.Wire`."""
        headers = {
            "Authorization": f"bearer {credentials.key}",
            "Content-Type": "application/json",
            **({"X-Odoo-Database": self._database} if self._database else {}),
        }
        response = self._http.post(f"/json/2/{model}/{method}", headers, _body(arguments), seconds)
        if response.status != _OK:
            error = from_response(response.status, response.content_type, _parsed(response), response.retry_after)
            if isinstance(error, WrongDatabase) and self._database_server_is_down():
                raise DatabaseUnavailable("Odoo's database server is down", name="db_server_status")
            raise error
        if response.content_type != "application/json":
            raise WrongAddress("the server is not an Odoo with the JSON-2 API", name=response.content_type)
        try:
            return json.loads(response.body, parse_float=Decimal)
        except ValueError:
            raise WrongAddress("the response is not JSON", name=response.content_type) from None

    def _database_server_is_down(self) -> bool:
        """Ask Odoo why it knows no such database: while PostgreSQL is down it knows none at all."""
        try:
            response = self._http.get("/web/health?db_server_status=1", _HEALTH_SECONDS)
        except OdooError:
            return False
        reported = _parsed(response)
        return isinstance(reported, Mapping) and reported.get("db_server_status") is False


def _body(arguments: Mapping[str, Any]) -> bytes:
    return json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()


def _parsed(response: Response) -> object:
    try:
        return json.loads(response.body)
    except ValueError:
        return None
