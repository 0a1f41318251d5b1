"""JSON-RPC and XML-RPC, for Odoo 17 and 18: the same calls through `execute_kw`, the same errors.

Both need a login besides the key (the key stands in for the password); it is part of the secret. The
number that Odoo knows the user by is asked for once a key and kept.
"""

import itertools
import json
import xmlrpc.client
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from xml.parsers.expat import ExpatError

from fusion_billing.odoo.error_classification import of_answer, of_message, of_name, without_name
from fusion_billing.odoo.errors import (
    AccessRefused,
    KeyRejected,
    Misaddressed,
    OdooError,
    WrongDatabase,
)
from fusion_billing.odoo.keys import Credentials
from fusion_billing.odoo.transport import Answer, Http

_OK = 200
_WARNING, _ACCESS_DENIED, _ACCESS_ERROR = 2, 3, 4  # faultCode of /xmlrpc/2; 1 is any other error


class Rpc:
    """`execute_kw` by way of `_dispatch`, which the two protocols differ in."""

    def __init__(self, http: Http, database: str) -> None:
        self._http = http
        self._database = database
        self._users: dict[Credentials, int] = {}

    def call(
        self, credentials: Credentials, model: str, method: str, arguments: Mapping[str, Any], seconds: float
    ) -> Any:
        """See `protocol.Wire`."""
        user = self._user(credentials, seconds)
        named = {name: value for name, value in arguments.items() if name != "ids"}
        positional = [arguments["ids"]] if "ids" in arguments else []
        try:
            return self._dispatch(
                "object",
                "execute_kw",
                [self._database, user, credentials.key, model, method, positional, named],
                seconds,
            )
        except KeyRejected:
            self._users.pop(credentials, None)
            raise

    def _user(self, credentials: Credentials, seconds: float) -> int:
        known = self._users.get(credentials)
        if known is not None:
            return known
        if not credentials.login:
            raise KeyRejected("this protocol needs a login beside the key, in the secret's JSON", name="login")
        arguments: list[Any] = [self._database, credentials.login, credentials.key, {}]
        user = self._dispatch("common", "authenticate", arguments, seconds)
        if not isinstance(user, int) or isinstance(user, bool):
            raise KeyRejected("Odoo does not accept the login with this key", name="authenticate")
        self._users[credentials] = user
        return user

    def _dispatch(self, service: str, method: str, arguments: list[Any], seconds: float) -> Any:
        raise NotImplementedError


class JsonRpc(Rpc):
    """`POST /jsonrpc`; an error is an object with the Python name under `data.name`."""

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
        answer = self._http.post("/jsonrpc", {"Content-Type": "application/json"}, body, seconds)
        document = _json(answer)
        if answer.status != _OK or not isinstance(document, dict):
            raise of_answer(answer.status, answer.content_type, document, answer.retry_after)
        if "error" in document:
            raise _of_error(document["error"])
        return document.get("result")


class XmlRpc(Rpc):
    """`POST /xmlrpc/2/<service>`; an error is a fault with a number and a text."""

    def _dispatch(self, service: str, method: str, arguments: list[Any], seconds: float) -> Any:
        body = xmlrpc.client.dumps(tuple(arguments), method, encoding="utf-8", allow_none=True).encode()
        answer = self._http.post(f"/xmlrpc/2/{service}", {"Content-Type": "text/xml"}, body, seconds)
        if answer.status != _OK:
            raise of_answer(answer.status, answer.content_type, None, answer.retry_after)
        try:
            values, _ = xmlrpc.client.loads(answer.body)
        except xmlrpc.client.Fault as fault:
            raise _of_fault(fault) from None
        except (ExpatError, xmlrpc.client.ResponseError, ValueError):
            raise Misaddressed("what answers is no XML-RPC", name=answer.content_type) from None
        return _decimals(values[0])


def _json(answer: Answer) -> object:
    try:
        return json.loads(answer.body, parse_float=Decimal)
    except ValueError:
        return None


def _of_error(error: object) -> OdooError:
    data = error.get("data") if isinstance(error, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
        return without_name(_OK, "application/json")
    message = data.get("message")
    return _database_missing(of_name(str(data["name"]), message if isinstance(message, str) else ""))


def _of_fault(fault: xmlrpc.client.Fault) -> OdooError:
    text = fault.faultString
    if fault.faultCode == _ACCESS_DENIED:
        return KeyRejected(text, name="odoo.exceptions.AccessDenied")
    if fault.faultCode == _ACCESS_ERROR:
        return AccessRefused(text, name="odoo.exceptions.AccessError")
    if fault.faultCode == _WARNING:
        return of_message(text)(text, name="odoo.exceptions.UserError")
    # The text is a whole traceback: its last unindented line names the error, the rest is dropped here.
    lines = [line for line in text.splitlines() if line and not line[0].isspace()]
    name, _, message = (lines[-1] if lines else "").partition(":")
    for line in reversed(lines):
        head, mark, tail = line.partition(":")
        if mark and head.replace(".", "").replace("_", "").isalnum() and "." in head:
            name, message = head, tail
            break
    name = name if "." in name else f"builtins.{name}"
    return _database_missing(of_name(name, message.strip()))


def _database_missing(error: OdooError) -> OdooError:
    text = error.message.lower()
    if "database" in text and "does not exist" in text:
        return WrongDatabase("no such database behind ODOO_URL", name=error.name)
    return error


def _decimals(value: Any) -> Any:
    """Return `value` with each double as the shortest decimal that names it, as JSON would have it."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [_decimals(item) for item in value]
    if isinstance(value, dict):
        return {key: _decimals(item) for key, item in value.items()}
    return value
