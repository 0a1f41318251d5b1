"""The invoiced period that an adjustment corrects, as rating documents store it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypedDict

from fusion_billing.billing.document_fields import UnreadableDocument, text_of
from fusion_billing.billing.step_text import StepJson, StepText, steps_of
from fusion_billing.instants import parse_instant, rfc3339


class CorrectionJson(TypedDict):
    """The corrected period as JSON."""

    period_start: str
    period_end: str
    amount: str
    invoiced_amount: str
    steps: list[StepJson]


@dataclass(frozen=True, slots=True)
class Correction:
    """The invoiced period that an adjustment corrects.

    Attributes:
        period_start: The invoiced period's start.
        period_end: Its end, exclusive.
        amount: What its usage comes to now, in the currency's digits.
        invoiced_amount: What was invoiced for it so far, in the same digits.
        steps: The steps that lead to `amount`.
    """

    period_start: datetime
    period_end: datetime
    amount: str
    invoiced_amount: str
    steps: tuple[StepText, ...]

    @classmethod
    def from_json(cls, json: object) -> Self:
        """Parse the field `corrects`; raises `UnreadableDocument` or `Refused`."""
        if not isinstance(json, Mapping):
            raise UnreadableDocument("corrects: must be an object")
        return cls(
            parse_instant(json.get("period_start"), "corrects.period_start"),
            parse_instant(json.get("period_end"), "corrects.period_end"),
            text_of(json, "amount"),
            text_of(json, "invoiced_amount"),
            steps_of(json.get("steps")),
        )

    def to_json(self) -> CorrectionJson:
        """Return the field as JSON."""
        return {
            "period_start": rfc3339(self.period_start),
            "period_end": rfc3339(self.period_end),
            "amount": self.amount,
            "invoiced_amount": self.invoiced_amount,
            "steps": [step.as_dict() for step in self.steps],
        }
