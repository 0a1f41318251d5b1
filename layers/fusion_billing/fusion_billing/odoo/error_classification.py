"""Classify error responses of Odoo by the name of the error, never by the status alone.

`docs/odoo-lines.md` has the table. Each function takes a response and returns the error to raise; `debug`, a
traceback, is never read, so that it can't leak.
"""

from collections.abc import Mapping
from typing import Any

from fusion_billing.odoo.errors import (
    AccessDenied,
    DatabaseUnavailable,
    GatewayError,
    InvalidCall,
    KeyRejected,
    MissingAccessRights,
    OdooError,
    OrderCancelled,
    OrderLocked,
    PermanentError,
    ReadTimeout,
    RecordNotFound,
    SerializationFailure,
    TooManyRequests,
    TransientError,
    ValidationFailed,
    WrongAddress,
    WrongDatabase,
)

_SERIALIZATION = ("could not serialize access", "deadlock detected", "could not obtain lock on row")
_NOT_CONNECTED = ("connection to server at", "connection to server on socket", "could not connect to server")
_LOCKED = ("in a locked order", "a locked order")
_CANCELLED = ("cancelled order", "canceled order")
_MISSING = (
    "no matching record found",
    "record does not exist or has been deleted",
    "record cannot be found",
)
_ACCESS = ("you are not allowed to", "top-secret records", "due to security restrictions", "access denied")
_MODEL_CLOSED = (
    "you are not allowed to access",
    "you are not allowed to create",
    "you are not allowed to modify",
)

_BY_NAME: dict[str, type[OdooError]] = {
    "werkzeug.exceptions.Unauthorized": KeyRejected,
    "odoo.exceptions.AccessDenied": KeyRejected,
    "odoo.http.SessionExpiredException": KeyRejected,
    "odoo.exceptions.AccessError": AccessDenied,
    "werkzeug.exceptions.Forbidden": AccessDenied,
    "odoo.exceptions.MissingError": RecordNotFound,
    "odoo.exceptions.UserError": ValidationFailed,
    "odoo.exceptions.ValidationError": ValidationFailed,
    "odoo.exceptions.RedirectWarning": ValidationFailed,
    "odoo.exceptions.LockError": SerializationFailure,
    "odoo.exceptions.ConcurrencyError": SerializationFailure,
    "psycopg2.errors.SerializationFailure": SerializationFailure,
    "psycopg2.errors.DeadlockDetected": SerializationFailure,
    "psycopg2.errors.LockNotAvailable": SerializationFailure,
    "psycopg2.extensions.TransactionRollbackError": SerializationFailure,
    "odoo.sql_db.PoolError": GatewayError,
    "psycopg2.pool.PoolError": GatewayError,
    "psycopg2.errors.UniqueViolation": ValidationFailed,
    "psycopg2.errors.NotNullViolation": ValidationFailed,
    "psycopg2.errors.CheckViolation": ValidationFailed,
    "psycopg2.errors.ForeignKeyViolation": RecordNotFound,
}

_TOO_MANY = 429
_GATEWAY = (502, 503)
_GATEWAY_TIMED_OUT = 504
_UNAUTHORIZED = 401


def class_for_message(message: str, otherwise: type[OdooError] = ValidationFailed) -> type[OdooError]:
    """Return the error class for a message without a name (in the response of `load`, in an XML-RPC fault).

    The messages are in English: every call requests `en_US`, which every database has.
    """
    text = message.lower()
    for marks, kind in (
        (_SERIALIZATION, SerializationFailure),
        (_LOCKED, OrderLocked),
        (_CANCELLED, OrderCancelled),
        (_MISSING, RecordNotFound),
        (_ACCESS, AccessDenied),
    ):
        if any(mark in text for mark in marks):
            return kind
    return otherwise


def from_name(name: str, message: str) -> OdooError:
    """Return the error for the Python name and the message that Odoo gave (JSON-2, JSON-RPC)."""
    kind = _BY_NAME.get(name)
    if kind is None and name == "psycopg2.OperationalError":
        kind = _of_no_connection(message)
    if kind is None:
        # A concurrent update may come under the driver's or Odoo's own names, which change between versions.
        kind = class_for_message(message, InvalidCall)
        kind = kind if issubclass(kind, TransientError) else InvalidCall
    if kind in (ValidationFailed, InvalidCall):
        narrower = class_for_message(message, kind)
        kind = narrower if narrower in (OrderLocked, OrderCancelled, SerializationFailure) else kind
    return kind(message or name, name=name)


def _of_no_connection(message: str) -> type[OdooError]:
    """Return the class of an `OperationalError`; if no connection could be made, nothing was carried out."""
    if "does not exist" in message:
        return WrongDatabase
    return DatabaseUnavailable if any(mark in message for mark in _NOT_CONNECTED) else GatewayError


def from_response(status: int, content_type: str, body: object, retry_after: int | None = None) -> OdooError:
    """Return the error for a response that is not a success.

    `body` is the parsed JSON, or None if it was not JSON. If it has the name of an error, the name decides.
    """
    if status == _TOO_MANY:
        return TooManyRequests("Odoo limits the rate of requests", name=str(status), after=retry_after)
    if status in _GATEWAY:
        return GatewayError(f"the gateway in front of Odoo responded with {status}", name=str(status))
    if status == _GATEWAY_TIMED_OUT:
        return ReadTimeout("the gateway in front of Odoo timed out", name=str(status))
    if isinstance(body, Mapping) and isinstance(body.get("name"), str):
        return from_name(str(body["name"]), _text(body.get("message")))
    if status == _UNAUTHORIZED:
        return KeyRejected("Odoo does not accept the key", name=str(status))
    return from_status(status, content_type)


def from_status(status: int, content_type: str) -> OdooError:
    """Return the error for a response without an error of Odoo, such as an HTML page."""
    if 300 <= status < 400:  # noqa: PLR2004  HTTP's redirects
        return WrongAddress("ODOO_URL redirects: set it to the final address", name=str(status))
    if status == 404 and content_type.startswith("text/html"):  # noqa: PLR2004
        return WrongDatabase("the database does not exist at ODOO_URL, or the server is not Odoo 19", name=str(status))
    if 500 <= status < 600:  # noqa: PLR2004
        return GatewayError(f"Odoo responded with {status} without a reason", name=str(status))
    return WrongAddress(f"unexpected response: status {status}, {content_type or 'no content type'}", name=str(status))


def from_load_messages(messages: object) -> dict[int, PermanentError | TransientError]:
    """Return the most specific error of each row, by the index of the row in the call.

    A UserError adds a message for row 0 that is not about row 0; so the error of a row is certain only if the row
    was sent alone.
    """
    worst: dict[int, PermanentError | TransientError] = {}
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, Mapping) or message.get("type") == "warning":
            continue
        error = class_for_message(_text(message.get("message")))(_text(message.get("message")), name="load")
        if not isinstance(error, PermanentError | TransientError):
            continue
        for row in _rows(message):
            stored = worst.get(row)
            if stored is None or (isinstance(stored, ValidationFailed) and not isinstance(error, ValidationFailed)):
                worst[row] = error
    return worst


def denies_whole_model(error: OdooError) -> bool:
    """Return whether an access error is about a whole model rather than one record."""
    text = error.message.lower()
    return isinstance(error, AccessDenied) and any(mark in text for mark in _MODEL_CLOSED)


def as_configuration_error(error: OdooError) -> OdooError:
    """Return `MissingAccessRights` for an access error about a whole model, else the same error."""
    return MissingAccessRights(error.message, name=error.name) if denies_whole_model(error) else error


def _rows(message: Mapping[str, Any]) -> range:
    span = message.get("rows")
    if isinstance(span, Mapping) and isinstance(span.get("from"), int) and isinstance(span.get("to"), int):
        return range(span["from"], span["to"] + 1)
    record = message.get("record")
    return range(record, record + 1) if isinstance(record, int) else range(1)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
