"""Define a new source (an app that pushes usage), and a new API key of it."""

from typing import Annotated

from pydantic import AfterValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from fusion_billing.access.principal import SCOPES
from fusion_billing.catalog.field_types import Code, Text, filled
from fusion_billing.catalog.validation import Definition


def _scope(value: object) -> str:
    if not isinstance(value, str) or value not in SCOPES:
        raise PydanticCustomError("unknown_scope", f"must be one of {', '.join(sorted(SCOPES))}")
    return str(value)


Scope = Annotated[str, PlainValidator(_scope), WithJsonSchema({"type": "string", "enum": sorted(SCOPES)})]


class NewSource(Definition):
    """A new source; `metrics` and `plans` limit what it may push for (missing: no limit)."""

    name: Text
    metrics: Annotated[tuple[Code, ...], AfterValidator(filled)] | None = None
    plans: Annotated[tuple[Text, ...], AfterValidator(filled)] | None = None


class NewKey(Definition):
    """A new API key of a source."""

    scopes: Annotated[tuple[Scope, ...], AfterValidator(filled)]
