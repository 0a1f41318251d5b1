"""Define the options of a charge for its order line: tax behavior and analytic accounts."""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from fusion_billing.catalog.field_types import Positive, filled
from fusion_billing.catalog.identifiers import MAX_ANALYTIC_ACCOUNTS

TaxBehavior = Literal["exclusive", "inclusive"]
"""Whether the line's subtotal (`exclusive`) or its total with tax (`inclusive`) equals the rated amount."""

_ACCOUNTS = re.compile(r"[1-9]\d{0,17}(,[1-9]\d{0,17}){0,9}", re.ASCII)
_MOST_PERCENT = Decimal(100)


def _accounts(value: object) -> str:
    if not isinstance(value, str) or not _ACCOUNTS.fullmatch(value):
        raise PydanticCustomError(
            "invalid_identifier", "must be the id of an analytic account, or ids of several plans such as 12,31"
        )
    return value


def _at_most_all(percent: Decimal) -> Decimal:
    if percent > _MOST_PERCENT:
        raise PydanticCustomError("out_of_range", "must be at most 100")
    return percent


Accounts = Annotated[
    str, PlainValidator(_accounts), WithJsonSchema({"type": "string", "pattern": f"^{_ACCOUNTS.pattern}$"})
]
AnalyticDistribution = Annotated[
    dict[Accounts, Annotated[Positive, AfterValidator(_at_most_all)]],
    Field(max_length=MAX_ANALYTIC_ACCOUNTS),
    AfterValidator(filled),
]
"""Ids of `account.analytic.account` as text -> the percentage of the line that each bears."""
