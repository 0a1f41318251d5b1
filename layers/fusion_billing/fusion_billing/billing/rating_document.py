"""The rating document: what was rated, at which price, step by step. Nothing else reads or writes its JSON.

A document is stored as canonical JSON and compared by a digest of that text. So figures are kept as the text
they were written as, a field that came later is left out at its default, and fields of a later release survive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from fusion_billing.billing.correction import Correction
from fusion_billing.billing.document_fields import (
    UnreadableDocument,
    list_of,
    object_of,
    odoo_id_of,
    optional_text_of,
    text_of,
)
from fusion_billing.billing.step_text import StepText, steps_of
from fusion_billing.billing.stored_price import PriceDefinitions, StoredPrice
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import ZERO
from fusion_billing.errors import Refused
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.json_types import JsonMapping, JsonObject

RULES = 2
"""The rating rules of this release. Documents of the first release name none: it priced a price change within a
period, levels and quotients differently (CHANGELOG.md)."""

_NO_LONGER_APPLIES = "The charge no longer applies"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingDocument:
    """A rating of one charge in one billing period, or an adjustment of an invoiced period.

    Units and amounts are plain decimals as text; `amount` has its currency's digits.

    Attributes:
        period_start: Start of the period in which the rating is billed.
        period_end: Its end, exclusive.
        odoo_order_id: The order that invoices it.
        corrects: The invoiced period that an adjustment corrects; None for a period's own rating.
        rules: The rules that rated it (`RULES`); None for a rating by the first release.
        priced_by: The charge versions that priced it; None while the field is stored apart (`large_documents`),
            as for `metric_definition`, `price_spans` and `price_versions`.
        price_spans: Which version applied when; None too if that follows from the versions alone.
        charge_applies: False if the charge no longer applies; None if that is not noted.
        is_rated: False if nothing is rated in the period for now; None if that is not noted.
        needs_final_invoice: Whether the subscription has ended, so that Odoo invoices nothing by itself.
        other: Fields of a later release.
    """

    charge: str
    charge_name: str
    metric: str
    unit: str | None
    plan: str
    odoo_order_id: int
    odoo_product_id: int
    timezone: str
    period_start: datetime
    period_end: datetime
    units: str
    included_units: str
    overage_units: str
    billable_units: str
    amount: str
    unrounded_amount: str
    currency: str
    steps: tuple[StepText, ...]
    price_versions: Sequence[str | None] | None = None
    priced_by: Sequence[JsonMapping] | None = None
    metric_definition: JsonMapping | None = None
    price_spans: Sequence[JsonMapping] | None = None
    rules: int | None = None
    names: Mapping[str, str] | None = None
    tax_behavior: str | None = None
    analytic_distribution: Mapping[str, str] | None = None
    corrects: Correction | None = None
    charge_applies: bool | None = None
    is_rated: bool | None = None
    needs_final_invoice: bool = False
    other: JsonMapping = field(default_factory=dict)

    @classmethod
    def from_json(cls, json: object) -> Self:
        """Parse a stored document of this or an earlier release.

        Raises:
            UnreadableDocument: A field that every release wrote is missing, or a field has the wrong type.
        """
        if not isinstance(json, Mapping):
            raise UnreadableDocument("the document must be a JSON object")
        try:
            return cls(
                charge=text_of(json, "charge"),
                charge_name=text_of(json, "charge_name"),
                metric=text_of(json, "metric"),
                unit=optional_text_of(json, "unit"),
                plan=text_of(json, "plan"),
                odoo_order_id=odoo_id_of(json, "odoo_order_id"),
                odoo_product_id=odoo_id_of(json, "odoo_product_id"),
                timezone=text_of(json, "timezone"),
                period_start=parse_instant(json.get("period_start"), "period_start"),
                period_end=parse_instant(json.get("period_end"), "period_end"),
                units=text_of(json, "units"),
                included_units=text_of(json, "included_units"),
                overage_units=text_of(json, "overage_units"),
                billable_units=text_of(json, "billable_units"),
                amount=text_of(json, "amount"),
                unrounded_amount=text_of(json, "unrounded_amount"),
                currency=text_of(json, "currency"),
                steps=steps_of(json.get("steps")),
                price_versions=list_of(json, "price_versions"),
                priced_by=list_of(json, "priced_by"),
                metric_definition=object_of(json, "metric_definition"),
                price_spans=list_of(json, "price_spans"),
                rules=json.get("rules"),
                names=object_of(json, "names"),
                tax_behavior=json.get("tax_behavior"),
                analytic_distribution=object_of(json, "analytic_distribution"),
                corrects=Correction.from_json(json["corrects"]) if "corrects" in json else None,
                charge_applies=json.get("is_charged"),
                is_rated=json.get("is_rated"),
                needs_final_invoice=json.get("final_invoice") is True,
                other={name: json[name] for name in json.keys() - _FIELDS},
            )
        except Refused as refusal:
            raise UnreadableDocument(refusal.message) from None

    def to_json(self) -> JsonObject:
        """Return the document as JSON; fields at their defaults are left out."""
        json: dict[str, Any] = {
            "charge": self.charge,
            "charge_name": self.charge_name,
            "metric": self.metric,
            "unit": self.unit,
            "plan": self.plan,
            "odoo_order_id": self.odoo_order_id,
            "odoo_product_id": self.odoo_product_id,
            "timezone": self.timezone,
            "period_start": rfc3339(self.period_start),
            "period_end": rfc3339(self.period_end),
            "units": self.units,
            "included_units": self.included_units,
            "overage_units": self.overage_units,
            "billable_units": self.billable_units,
            "amount": self.amount,
            "unrounded_amount": self.unrounded_amount,
            "currency": self.currency,
            "steps": [step.as_dict() for step in self.steps],
        }
        for name, attribute in _OPTIONAL.items():
            value = getattr(self, attribute)
            if value is not None:
                json[name] = value
        if self.corrects is not None:
            json["corrects"] = self.corrects.to_json()
        if self.needs_final_invoice:
            json["final_invoice"] = True
        return {**json, **self.other} if self.other else json

    @property
    def price(self) -> StoredPrice:
        """Return what priced the rated period, or the corrected one.

        Raises:
            ValueError: The definitions are stored apart: read the whole document.
        """
        if self.priced_by is None or self.metric_definition is None:
            raise ValueError("the document's price is stored apart")
        definitions: PriceDefinitions = {"priced_by": self.priced_by, "metric_definition": self.metric_definition}
        if self.price_spans is not None:
            definitions["price_spans"] = self.price_spans
        rated = self if self.corrects is None else self.corrects
        return StoredPrice(rated.period_start, rated.period_end, definitions)

    @property
    def is_charged(self) -> bool:
        """Return whether the stored price still prices anything.

        Documents of earlier releases say only by their one step that it doesn't.
        """
        if self.charge_applies is not None:
            return self.charge_applies
        return not (len(self.steps) == 1 and self.steps[0].description == _NO_LONGER_APPLIES)

    @property
    def is_up_to_date(self) -> bool:
        """Return whether the stored price is the one that priced the rating last."""
        return self.is_charged and self.is_rated is not False

    @property
    def rated_amount(self) -> str:
        """Return what the rated period comes to: for an adjustment, the amount of the corrected one."""
        return self.amount if self.corrects is None else self.corrects.amount

    @property
    def rated_steps(self) -> tuple[StepText, ...]:
        """Return the steps that lead to `rated_amount`."""
        return self.steps if self.corrects is None else self.corrects.steps

    def billed_by(self, odoo_order_id: int, *, needs_final_invoice: bool) -> Self:
        """Return the document with the order that invoices it.

        `needs_final_invoice` is set if the subscription has ended; once set, it stays.
        """
        needs_final_invoice = needs_final_invoice or self.needs_final_invoice
        if (odoo_order_id, needs_final_invoice) == (self.odoo_order_id, self.needs_final_invoice):
            return self  # by far the most frequent case
        return replace(self, odoo_order_id=odoo_order_id, needs_final_invoice=needs_final_invoice)

    def without_charge(self) -> Self:
        """Return the document at zero for good, since its charge no longer applies.

        The price stays, since what was invoiced at it may have to be taken back.
        """
        return replace(self._at_zero(_NO_LONGER_APPLIES), charge_applies=False)

    def not_rated(self, reason: str) -> Self:
        """Return the document at zero for now, for a `reason` in words.

        Its price is the former one, and may be outdated when the period is rated again.
        """
        return replace(self._at_zero(reason), is_rated=False)

    def _at_zero(self, reason: str) -> Self:
        return replace(
            self,
            units="0",
            included_units="0",
            overage_units="0",
            billable_units="0",
            amount=with_digits(ZERO, self.currency),
            unrounded_amount="0",
            steps=(StepText(reason, "0", "0", "0"),),
        )


_OPTIONAL = {
    "price_versions": "price_versions",
    "priced_by": "priced_by",
    "metric_definition": "metric_definition",
    "price_spans": "price_spans",
    "rules": "rules",
    "names": "names",
    "tax_behavior": "tax_behavior",
    "analytic_distribution": "analytic_distribution",
    "is_charged": "charge_applies",
    "is_rated": "is_rated",
}
"""Fields that may be missing -> the attribute that is None then."""

_ATTRIBUTES = {each.name for each in fields(RatingDocument)} - {"other", "charge_applies", "needs_final_invoice"}
_FIELDS = frozenset(_ATTRIBUTES | {"is_charged", "final_invoice"})
