"""The price that rated a period, as rating documents store it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, Self, TypedDict

from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.json_types import JsonMapping, JsonObject


class PriceDefinitions(TypedDict):
    """Charge versions and metric as JSON, and which version (by index) applies when."""

    priced_by: Sequence[JsonMapping]
    metric_definition: JsonMapping
    price_spans: NotRequired[Sequence[JsonMapping]]


@dataclass(frozen=True, slots=True)
class StoredPrice:
    """What priced a charge in a period: enough to rate the period again at the same price.

    The definitions stay JSON until they are needed: `pricing.pricing_of` validates them.
    """

    period_start: datetime
    period_end: datetime
    definitions: PriceDefinitions

    @classmethod
    def from_json(cls, json: JsonMapping) -> Self:
        """Parse what `to_json` returned; raises `Refused`."""
        definitions: PriceDefinitions = {
            "priced_by": json["priced_by"],
            "metric_definition": json["metric_definition"],
        }
        if "price_spans" in json:
            definitions["price_spans"] = json["price_spans"]
        return cls(
            parse_instant(json["period_start"], "period_start"),
            parse_instant(json["period_end"], "period_end"),
            definitions,
        )

    def to_json(self) -> JsonObject:
        """Return the price as JSON."""
        return {
            "period_start": rfc3339(self.period_start),
            "period_end": rfc3339(self.period_end),
            **self.definitions,
        }

    @property
    def metric_code(self) -> str:
        """Return the code of the metric."""
        return str(self.definitions["metric_definition"]["code"])
