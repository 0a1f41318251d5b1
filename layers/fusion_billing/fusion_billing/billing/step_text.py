"""A step of a rating in words and figures."""

from typing import Any, NamedTuple, TypedDict

from fusion_billing.billing.document_fields import UnreadableDocument


class StepJson(TypedDict):
    """A step as JSON."""

    description: str
    units: str
    unit_amount: str
    amount: str


class StepText(NamedTuple):
    """A step in words and figures, as documents and the HTTP API have it; figures are plain decimals as text."""

    description: str
    units: str
    unit_amount: str
    amount: str

    def as_dict(self) -> StepJson:
        """Return the step as JSON."""
        return {
            "description": self.description,
            "units": self.units,
            "unit_amount": self.unit_amount,
            "amount": self.amount,
        }


def steps_of(value: object) -> tuple[StepText, ...]:
    """Read the steps of a stored document; raises `UnreadableDocument`."""
    steps: Any = value  # what is no list of steps raises below
    try:
        return tuple(
            [StepText(step["description"], step["units"], step["unit_amount"], step["amount"]) for step in steps]
        )
    except (TypeError, KeyError):
        raise UnreadableDocument("steps: must be a list of steps") from None
