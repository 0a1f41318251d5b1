"""The client of Odoo: a few calls, API keys that can be rotated, and each failure as an `OdooError`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fusion_billing.json_types import JsonObject, JsonValue
from fusion_billing.odoo.errors import KeyRejected, WrongAddress
from fusion_billing.odoo.keys import KeyRing
from fusion_billing.odoo.protocols.json2 import Json2
from fusion_billing.odoo.protocols.jsonrpc import JsonRpc
from fusion_billing.odoo.protocols.wire import Wire
from fusion_billing.odoo.protocols.xmlrpc import XmlRpc
from fusion_billing.odoo.transport import Http

CALL_SECONDS = 40.0
"""How long a call may take: four times what Odoo needs to give up on a serialization failure."""

_ENGLISH = {"lang": "en_US"}  # messages without a name are identified by their English text

Domain = Sequence[JsonValue]
Row = JsonObject


class Odoo:
    """Call one database of one Odoo as one API user.

    Every call may raise any `OdooError`. If Odoo rejects a key, the call is repeated with each other key of the
    secret, which is read again once; `KeyRejected` is raised if no key is left.
    """

    def __init__(self, wire: Wire, keys: KeyRing, *, seconds: float = CALL_SECONDS) -> None:
        self._wire = wire
        self._keys = keys
        self.seconds = seconds

    def call(self, model: str, method: str, /, *, seconds: float | None = None, **arguments: JsonValue) -> JsonValue:
        """Call `method` of `model` with its arguments by name, `ids` among them for a method of records."""
        named = {**arguments, "context": {**_ENGLISH, **arguments.get("context", {})}}
        limit = self.seconds if seconds is None else seconds
        return self._with_a_key(model, method, named, limit)

    def _with_a_key(self, model: str, method: str, arguments: Mapping[str, Any], seconds: float) -> Any:
        refusal: KeyRejected | None = None
        tried = set()
        for again in (False, True):
            if again and not self._keys.read_again():
                break
            for credentials in self._keys.credentials():
                if credentials in tried:
                    continue
                tried.add(credentials)
                try:
                    value = self._wire.call(credentials, model, method, arguments, seconds)
                except KeyRejected as error:
                    refusal = error
                    continue
                self._keys.accepted(credentials)
                return value
        raise refusal or KeyRejected("the secret contains no API key", name="secret")

    def search_read(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        limit: int | None = None,
        offset: int = 0,
        order: str | None = None,
        seconds: float | None = None,
    ) -> list[Row]:
        """Return the records that match, each with its `id`; a many2one reads as `[id, name]` or False."""
        arguments: dict[str, Any] = {"domain": list(domain), "fields": list(fields)}
        if limit is not None:
            arguments["limit"] = limit
        if offset:
            arguments["offset"] = offset
        if order is not None:
            arguments["order"] = order
        return _rows(self.call(model, "search_read", seconds=seconds, **arguments))

    def pages(self, model: str, domain: Domain, fields: Sequence[str], *, size: int = 200) -> Iterator[list[Row]]:
        """Yield all matching records, `size` at a time, by ascending ID, so that concurrent writes skip none."""
        after = 0
        while True:
            page = self.search_read(model, [*domain, ["id", ">", after]], fields, limit=size, order="id")
            if page:
                yield page
                after = page[-1]["id"]
            if len(page) < size:
                return

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str], *, seconds: float | None = None) -> list[Row]:
        """Return the records that exist; records that do not exist are left out."""
        if not ids:
            return []
        arguments = {"domain": [["id", "in", list(ids)]], "fields": list(fields), "limit": len(ids)}
        return _rows(self.call(model, "search_read", seconds=seconds, **arguments))

    def fields(self, model: str, names: Sequence[str]) -> dict[str, Row]:
        """Return the definitions of those fields that the model has: type, digits, selection, string."""
        reported = self.call(
            model,
            "fields_get",
            allfields=list(names),
            attributes=["type", "digits", "string", "selection", "readonly"],
        )
        if not isinstance(reported, dict):
            raise WrongAddress("the response of fields_get is not a JSON object", name=model)
        return {name: about for name, about in reported.items() if isinstance(about, dict)}


def _rows(value: object) -> list[Row]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise WrongAddress("the response of a search is not a list of records", name="search_read")
    return value


def connect(*, url: str, database: str, protocol: str, keys: KeyRing, seconds: float = CALL_SECONDS) -> Odoo:
    """Return the client for the setting ODOO_PROTOCOL: `json2`, `jsonrpc` or `xmlrpc`."""
    wires: dict[str, Callable[[Http, str], Wire]] = {"json2": Json2, "jsonrpc": JsonRpc, "xmlrpc": XmlRpc}
    if protocol not in wires:
        raise ValueError(f"ODOO_PROTOCOL must be one of {', '.join(wires)}, not {protocol!r}")
    return Odoo(wires[protocol](Http(url), database), keys, seconds=seconds)
