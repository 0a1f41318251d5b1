"""The exceptions of the package, one tree.

FusionBillingError
├── TransportError              no response: the service could not be reached
│   ├── ConnectionFailed
│   └── TimedOut
├── APIError                    the service responded with an error; `code` is stable, `errors` name fields
│   ├── InvalidRequestError     400, 413, 422
│   ├── AuthenticationError     401
│   ├── PermissionDeniedError   403
│   ├── NotFoundError           404
│   ├── ConflictError           409
│   │   └── VersionConflictError
│   ├── RateLimitedError        429
│   └── ServerError             5xx
└── MeterError
    ├── InvalidUsageError       an argument of `count`, `gauge` or `unique` is wrong; nothing was counted
    └── LedgerError             the ledger could not be written or read
        └── LedgerFullError     the disk is full; nothing was counted
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


class FusionBillingError(Exception):
    """Any error of this package."""


class TransportError(FusionBillingError):
    """The service could not be reached, or did not respond."""


class ConnectionFailed(TransportError):
    """The connection could not be opened, or was lost."""


class TimedOut(TransportError):
    """The service did not respond in time."""


@dataclass(frozen=True)
class FieldError:
    """One field that the service rejected; `stored` is what it has instead, for a conflict."""

    field: str
    code: str
    message: str
    stored: str | None = None


class APIError(FusionBillingError):
    """The service responded with an error.

    Attributes:
        status: The HTTP status.
        code: The stable error code, such as `unknown_metric`.
        detail: The reason, a sentence.
        errors: The fields that are wrong.
        document: The whole problem document (RFC 9457).
        retry_after: Seconds to wait before the next attempt, if the service named them.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(document.get("code", "unknown"))
        self.detail = str(document.get("detail", ""))
        self.errors = tuple(_field_errors(document.get("errors")))
        self.document = dict(document)
        self.retry_after = retry_after
        super().__init__(self._message())

    def _message(self) -> str:
        message = f"{self.code} ({self.status}): {self.detail}"
        if self.errors:
            first = self.errors[0]
            if first.message not in self.detail:
                message += f" [{first.field} {first.message}]"
        return message


class InvalidRequestError(APIError):
    """The request is not valid (400, 413 or 422)."""


class AuthenticationError(APIError):
    """The API key is missing, malformed, unknown or revoked (401)."""


class PermissionDeniedError(APIError):
    """The API key lacks a scope, or may not act for that source (403)."""


class NotFoundError(APIError):
    """What the path names does not exist (404)."""


class ConflictError(APIError):
    """The request contradicts what is stored (409)."""


class VersionConflictError(ConflictError):
    """The `version` in a request is not the stored one: someone else changed the definition."""


class RateLimitedError(APIError):
    """Too many requests (429)."""


class ServerError(APIError):
    """The service could not serve the request (5xx)."""


class MeterError(FusionBillingError):
    """An error of `Meter`."""


class InvalidUsageError(MeterError, ValueError):
    """An argument of `count`, `gauge` or `unique` is wrong; nothing was counted."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(f"{field}: {message}")


class ClockError(MeterError):
    """The machine's clock is not in the years that the service accepts; nothing was counted."""


class LedgerError(MeterError):
    """The ledger could not be written or read."""


class LedgerFullError(LedgerError):
    """The disk of the ledger is full; the call that raised this was not counted."""


_BY_STATUS: dict[int, type[APIError]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequestError,
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: PermissionDeniedError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: InvalidRequestError,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidRequestError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitedError,
}


def api_error(status: int, document: Mapping[str, Any], retry_after: float | None = None) -> APIError:
    """Return the exception for an error response."""
    kind = _BY_STATUS.get(status, ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else APIError)
    if document.get("code") == "version_conflict":
        kind = VersionConflictError
    return kind(status, document, retry_after)


def _field_errors(errors: Any) -> list[FieldError]:
    if not isinstance(errors, list):
        return []
    return [
        FieldError(
            str(error.get("field", "")), str(error.get("code", "")), str(error.get("message", "")), error.get("stored")
        )
        for error in errors
        if isinstance(error, dict)
    ]
