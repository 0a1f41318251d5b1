"""Odoo's XML-RPC API (`POST /xmlrpc/2/<service>`), for Odoo 17 and 18."""

import xmlrpc.client
from decimal import Decimal
from typing import Any
from xml.parsers.expat import ExpatError

from fusion_billing.odoo.error_classification import class_for_message, from_name, from_response
from fusion_billing.odoo.errors import AccessDenied, KeyRejected, OdooError, WrongAddress
from fusion_billing.odoo.protocols.execute_kw import ExecuteKw, wrong_database_if_missing

_OK = 200
_WARNING, _ACCESS_DENIED, _ACCESS_ERROR = 2, 3, 4  # faultCode of /xmlrpc/2; 1 is any other error


class XmlRpc(ExecuteKw):
    """Call Odoo over XML-RPC; an error is a fault with a number and a text."""

    def _dispatch(self, service: str, method: str, arguments: list[Any], seconds: float) -> Any:
        body = xmlrpc.client.dumps(tuple(arguments), method, encoding="utf-8", allow_none=True).encode()
        response = self._http.post(f"/xmlrpc/2/{service}", {"Content-Type": "text/xml"}, body, seconds)
        if response.status != _OK:
            raise from_response(response.status, response.content_type, None, response.retry_after)
        try:
            values, _ = xmlrpc.client.loads(response.body)
        except xmlrpc.client.Fault as fault:
            raise _of_fault(fault) from None
        except (ExpatError, xmlrpc.client.ResponseError, ValueError):
            raise WrongAddress("the response is not XML-RPC", name=response.content_type) from None
        return _decimals(values[0])


def _of_fault(fault: xmlrpc.client.Fault) -> OdooError:
    text = fault.faultString
    if fault.faultCode == _ACCESS_DENIED:
        return KeyRejected(text, name="odoo.exceptions.AccessDenied")
    if fault.faultCode == _ACCESS_ERROR:
        return AccessDenied(text, name="odoo.exceptions.AccessError")
    if fault.faultCode == _WARNING:
        return class_for_message(text)(text, name="odoo.exceptions.UserError")
    name, message = _error_in_traceback(text)
    return wrong_database_if_missing(from_name(name, message))


def _error_in_traceback(text: str) -> tuple[str, str]:
    """Return the name and the message of the error that a traceback ends with; the rest is dropped here."""
    lines = [line for line in text.splitlines() if line and not line[0].isspace()]
    name, _, message = (lines[-1] if lines else "").partition(":")
    for line in reversed(lines):
        head, colon, tail = line.partition(":")
        if colon and "." in head and head.replace(".", "").replace("_", "").isalnum():
            name, message = head, tail
            break
    return name if "." in name else f"builtins.{name}", message.strip()


def _decimals(value: Any) -> Any:
    """Return `value` with each double as the shortest decimal that represents it, as JSON would have it."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [_decimals(item) for item in value]
    if isinstance(value, dict):
        return {key: _decimals(item) for key, item in value.items()}
    return value
