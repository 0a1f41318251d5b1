"""The error responses of Odoo: the error's name, its HTTP status, its arguments.

::

    OdooError
    ├── HttpError                 werkzeug's: 400, 401, 404, 422; arguments are [message, status]
    ├── UserError                 422
    │   ├── ValidationError       422
    │   ├── AccessError           403
    │   ├── AccessDenied          403 (wrong password or key, older RPC only)
    │   └── MissingError          404
    ├── PythonError               500: a ValueError, TypeError … that escaped from Odoo's own code
    └── DatabaseError             500: psycopg2's, with the column where PostgreSQL names one
"""

from typing import Any

WERKZEUG_NAMES = {400: "BadRequest", 401: "Unauthorized", 404: "NotFound", 422: "UnprocessableEntity"}
SERIALIZATION_MESSAGE = "could not serialize access due to concurrent update\n"


class OdooError(Exception):
    """The root. `name` is what clients classify by; `message` is for people."""

    name = "odoo.exceptions.UserError"
    status = 422

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def arguments(self) -> list[Any]:
        """Return the exception's `args`, as Odoo sends them."""
        return [self.message]

    def body(self) -> dict[str, Any]:
        """Return the JSON-2 error body; `debug` looks like a traceback, as the real one does."""
        return {
            "name": self.name,
            "message": self.message,
            "arguments": self.arguments,
            "context": {},
            "debug": f"Traceback (most recent call last):\n  (stand-in)\n{self.name}: {self.message}\n",
        }


class HttpError(OdooError):
    """An error of the HTTP layer, before any model was called."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = f"werkzeug.exceptions.{WERKZEUG_NAMES[status]}"

    @property
    def arguments(self) -> list[Any]:
        """Return the message and the status, as werkzeug's exceptions carry them."""
        return [self.message, self.status]


class UserError(OdooError):
    """A business rule says no."""


class ValidationError(UserError):
    """A constraint of the model or the database says no."""

    name = "odoo.exceptions.ValidationError"


class AccessError(UserError):
    """Access rights, record rules, private methods."""

    name = "odoo.exceptions.AccessError"
    status = 403


class AccessDenied(UserError):
    """Wrong login, password or key over the older RPC."""

    name = "odoo.exceptions.AccessDenied"
    status = 403

    def __init__(self, message: str = "Access Denied") -> None:
        super().__init__(message)


class MissingError(UserError):
    """A record that is not there (any more)."""

    name = "odoo.exceptions.MissingError"
    status = 404

    @classmethod
    def of(cls, model: str, ids: list[int], uid: int) -> "MissingError":
        """Build Odoo's message for `ids` of `model`, asked for by the user `uid`."""
        return cls(f"Record does not exist or has been deleted.\n(Record: {model}{tuple(ids)}, User: {uid})")


class PythonError(OdooError):
    """An exception of Python itself that nothing in Odoo caught."""

    status = 500

    def __init__(self, kind: type[Exception], message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.name = f"builtins.{kind.__name__}"


class DatabaseError(OdooError):
    """An error of psycopg2; `kind` is its class (`SerializationFailure`, `NotNullViolation` …)."""

    status = 500

    def __init__(self, kind: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.field = field
        self.name = "psycopg2.OperationalError" if kind == "OperationalError" else f"psycopg2.errors.{kind}"

    @classmethod
    def serialization(cls) -> "DatabaseError":
        """Build the failure of two transactions that changed one row at once."""
        return cls("SerializationFailure", SERIALIZATION_MESSAGE)
