"""Define a new source (an app that pushes usage), and a new API key of it."""

from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from fusion_billing.access.principal import SCOPES
from fusion_billing.catalog.field_types import Code, Instant, SubscriptionId, Text, filled, whole_number
from fusion_billing.catalog.identifiers import MAX_LIMITS, MAX_LISTED, MAX_REQUESTS_PER_SECOND
from fusion_billing.catalog.validation import Definition


def _scope(value: object) -> str:
    if not isinstance(value, str) or value not in SCOPES:
        raise PydanticCustomError("unknown_scope", f"must be one of {', '.join(sorted(SCOPES))}")
    return str(value)


def _rate(value: object) -> int:
    number = whole_number(value)
    if not 1 <= number <= MAX_REQUESTS_PER_SECOND:
        raise PydanticCustomError("out_of_range", f"must be a whole number from 1 to {MAX_REQUESTS_PER_SECOND}")
    return number


Scope = Annotated[str, PlainValidator(_scope), WithJsonSchema({"type": "string", "enum": sorted(SCOPES)})]


class NewSource(Definition):
    """A source; `metrics`, `plans` and `subscriptions` limit what it may use (missing: no limit).

    `requests_per_second` is how many requests each of its keys may send (missing: the service's default).
    """

    name: Text
    metrics: Annotated[tuple[Code, ...], Field(max_length=MAX_LISTED), AfterValidator(filled)] | None = None
    plans: Annotated[tuple[Text, ...], Field(max_length=MAX_LIMITS), AfterValidator(filled)] | None = None
    subscriptions: (
        Annotated[tuple[SubscriptionId, ...], Field(max_length=MAX_LIMITS), AfterValidator(filled)] | None
    ) = None
    requests_per_second: Annotated[int, PlainValidator(_rate)] | None = None


class NewKey(Definition):
    """A new API key of a source, valid until `expires_at` (missing: until it is revoked)."""

    scopes: Annotated[tuple[Scope, ...], AfterValidator(filled)]
    expires_at: Instant | None = None
