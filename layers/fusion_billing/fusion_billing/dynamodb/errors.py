"""Classify errors of DynamoDB: a failed condition, an error that may pass, or a request that is rejected."""

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from fusion_billing.errors import FusionError, Unavailable

TRANSIENT = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "RequestLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "OverLimit",
        "InternalServerError",
        "ServiceUnavailable",
        "TransactionConflictException",
        "TransactionConflict",
        "TransactionInProgressException",
        "DuplicateTransaction",
    }
)


_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError)
_SIGN_IN_ENDED = (SSOError, TokenRetrievalError)
_NOT_SET_UP = (*_NO_CREDENTIALS, *_SIGN_IN_ENDED, NoRegionError, ProfileNotFound)
"""Errors that only an operator can repair."""

_REJECTED_CREDENTIALS = frozenset(
    {
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)


def code_of(error: ClientError) -> str:
    """Return the code of an error response."""
    return error.response.get("Error", {}).get("Code", "")


def is_transient(error: Exception) -> bool:
    """Return whether the same call may succeed later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) in TRANSIENT or status >= 500  # noqa: PLR2004
    return isinstance(error, BotoCoreError) and not isinstance(error, _NOT_SET_UP)


def condition_failed(error: ClientError) -> bool:
    """Return whether the condition of a write failed."""
    return code_of(error) == "ConditionalCheckFailedException"


def cancelled_by_condition(error: ClientError) -> bool:
    """Return whether a condition of a transaction's writes failed."""
    return "ConditionalCheckFailed" in reasons(error)


def cancelled_by_contention(error: ClientError) -> bool:
    """Return whether a transaction was cancelled only because another one was writing the same items."""
    return code_of(error) == "TransactionCanceledException" and bool(
        {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"} & set(reasons(error))
    )


def is_about_what_was_written(error: ClientError) -> bool:
    """Return whether the item itself can't be stored: it is too large, or not valid for the table."""
    if code_of(error) == "ValidationException":
        return True
    return bool({"ValidationError", "ItemCollectionSizeLimitExceeded"} & set(reasons(error)))


FailureScope = Literal["table", "key", "item"]


class RequestRejected(FusionError):
    """DynamoDB rejected a request; the message is its error code, `scope` what else is likely to fail."""

    code = "rejected"

    def __init__(self, message: str, *, scope: FailureScope = "item") -> None:
        super().__init__(message)
        self.scope: FailureScope = scope


def rejection_of(error: ClientError) -> RequestRejected:
    """Return the error for services, which know no error of botocore."""
    return RequestRejected(code_of(error), scope=failure_scope(error))


def failure_scope(error: Exception) -> FailureScope:
    """Return what else is likely to fail the way `error` did.

    `table`: every call fails, for example because a right is missing. `key`: calls about the same keys may be
    throttled for a while. `item`: nothing else; the error is about one item, or not the database's at all.
    """
    if isinstance(error, RequestRejected):
        return error.scope
    if isinstance(error, BotoCoreError):
        return "table"
    if isinstance(error, ClientError) and not is_transient(error):
        return "item" if is_about_what_was_written(error) else "table"
    return "key" if isinstance(error, ClientError | Unavailable) else "item"


def reasons(error: ClientError) -> list[str]:
    """Return the reason for each write of a cancelled transaction (the text `None` for a write that did not fail)."""
    if code_of(error) != "TransactionCanceledException":
        return []
    cancellations: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return [reason.get("Code", "None") for reason in cancellations]


def unavailable_of(error: Exception) -> Unavailable | None:
    """Return `Unavailable` for an error of a call that may succeed later, else None."""
    contended = isinstance(error, ClientError) and cancelled_by_contention(error)
    if contended or is_transient(error):
        return Unavailable("DynamoDB did not respond in time: send the request again")
    return None


@contextlib.contextmanager
def unavailable_when_transient() -> Iterator[None]:
    """Raise `Unavailable` for errors of calls that may succeed later; all others pass through."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        unavailable = unavailable_of(error)
        if unavailable is not None:
            raise unavailable from error
        raise


def setup_problem(error: Exception, table: str) -> str | None:
    """Return what an operator has to set up before a command can use `table`; None for any other error.

    Of `Unavailable`, what it was raised from counts.
    """
    cause = error.__cause__ if isinstance(error, Unavailable) else error
    if isinstance(cause, NoRegionError):
        return "AWS_DEFAULT_REGION is not set: set it to the region of the stack"
    if isinstance(cause, _NO_CREDENTIALS):
        return "No AWS credentials found: sign in as for any AWS tool"
    if isinstance(cause, ProfileNotFound):
        return f"{cause}: correct AWS_PROFILE"
    if isinstance(cause, _SIGN_IN_ENDED):
        return f"The AWS sign-in has ended: sign in again ({cause})"
    if isinstance(cause, EndpointConnectionError):
        return f"{cause}: check the region and the network"
    return _rejected(cause, table) if isinstance(cause, ClientError) else None


def command_problem(error: Exception, table: str) -> str | None:
    """Return what a command says of an error, in place of a traceback; None for an error that nobody expects."""
    problem = setup_problem(error, table)
    expected = error if isinstance(error, FusionError) else unavailable_of(error)
    return problem or (expected.message if expected is not None else None)


def _rejected(error: ClientError, table: str) -> str:
    code = code_of(error)
    if code in _REJECTED_CREDENTIALS:
        return f"AWS rejected the credentials ({code}): sign in again"
    if code == "ResourceNotFoundException":
        return f"Table {table} does not exist in this account and region: see the outputs of the stack"
    if code == "AccessDeniedException":
        return f"These credentials may not use table {table}: {code}"
    return f"Table {table} cannot be used: {code}"
