"""Errors as botocore raises them."""

from typing import Any

from botocore.exceptions import ClientError


class ConditionalCheckFailedException(ClientError):
    """A write's condition did not hold."""


class TransactionCanceledException(ClientError):
    """A transaction was not carried out; `CancellationReasons` say why."""


class ResourceNotFoundException(ClientError):
    """There is no such table or index."""


_CLASSES: dict[str, type[ClientError]] = {
    "ConditionalCheckFailedException": ConditionalCheckFailedException,
    "TransactionCanceledException": TransactionCanceledException,
    "ResourceNotFoundException": ResourceNotFoundException,
}


class Exceptions:
    """What `client.exceptions` holds."""

    ClientError = ClientError
    ConditionalCheckFailedException = ConditionalCheckFailedException
    TransactionCanceledException = TransactionCanceledException
    ResourceNotFoundException = ResourceNotFoundException


class Refusal(Exception):
    """A call that can't be carried out, before it is known which operation it was."""

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extra = extra

    def as_client_error(self, operation: str) -> ClientError:
        """Return it as botocore raises it."""
        response: Any = {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": 400},
            "message": self.message,
            **self.extra,
        }
        return _CLASSES.get(self.code, ClientError)(response, operation)


def invalid(message: str) -> Refusal:
    """Return a `ValidationException`."""
    return Refusal("ValidationException", message)


def client_error(code: str, operation: str, *, status: int = 400, message: str = "") -> ClientError:
    """Return an error that a hook may raise: throttled, unavailable."""
    response: Any = {
        "Error": {"Code": code, "Message": message or code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return _CLASSES.get(code, ClientError)(response, operation)
