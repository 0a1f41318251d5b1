"""Writes of a rating: as parts of a transaction, and as PartiQL statements of a batch.

A line may be on the rating's item, where the relay writes its `line_...` attributes. So a new version updates the
attributes that are named here and never replaces the item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fusion_billing.billing.decisions import NewVersion, SameVersion
from fusion_billing.billing.rating import StoredRating
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, ItemView, Request
from fusion_billing.dynamodb.expressions import UpdateExpression, placeholders
from fusion_billing.dynamodb.ratings.line_changes import LineChange
from fusion_billing.dynamodb.ratings.rating_items import (
    LINE_GONE,
    DueLine,
    line_values,
    period_end_values,
    raised_value,
    removed,
    version_values,
)
from fusion_billing.instants import sortable

_AT_ONCE = sortable(datetime(2000, 1, 1, tzinfo=UTC))
"""When the invoices of a closed period are due to be read: it may be closed before it has even begun."""

_IS_NEW = "attribute_not_exists(pk)"
_IS_THE_VERSION_READ = "version = :expected"
_IS_NOT_FROZEN = "attribute_not_exists(frozen)"
_NOTHING_OVERTOOK = f"{_IS_THE_VERSION_READ} AND {_IS_NOT_FROZEN}"
_WAS_NOT_MOVED = "attribute_not_exists(line_state)"
"""The line is with the other lines of the period, as it was when the rating was read."""


@dataclass(frozen=True, slots=True)
class Save:
    """A new version to write over `stored`, its line being one of `odoo_order_id`'s.

    `line_at` is when a line that becomes due is to be sent; None: at once.
    """

    decision: NewVersion
    stored: StoredRating | None
    odoo_order_id: int
    line_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RatingWrites:
    """Builds writes for a table; due lines are spread over `line_partitions` partitions."""

    table: str
    line_partitions: int

    def new_version(self, decision: NewVersion, stored: StoredRating | None, due: DueLine, now: datetime) -> Request:
        """Return the write of a new version over `stored` (None: the first version)."""
        rated = decision.computed_rating
        values = version_values(decision, stored, due, now)
        if stored is None:
            item = {**keys.rating_key(rated.key), **values, **raised_value(decision.raised)}
            return {"Put": {"TableName": self.table, "Item": item, "ConditionExpression": _IS_NEW}}
        return {"Update": self._change(stored, values, removed(decision, stored), decision.raised)}

    def frozen(self, stored: StoredRating, line: ItemView | None = None) -> Request:
        """Return the write that freezes a rating; `line` is one that is moved onto its item by the same write."""
        values: Item = {**(line or {}), "frozen": {"BOOL": True}}
        removed = ["line_error", "line_message"]
        if stored.line.amount is None:
            removed.append("line_state")
        else:
            values["line_state"] = {"S": "sent"}
        if stored.line.amount is None and not stored.unresolved:
            removed += ["line_pk", "line_at"]
        else:
            order = stored.document.odoo_order_id
            values["line_pk"] = {"S": keys.invoices_partition(keys.line_partition(order, self.line_partitions))}
            values["line_at"] = {"S": _AT_ONCE}
        values = {name: value for name, value in values.items() if name not in removed}
        if not stored.is_listed:
            values |= period_end_values(stored.key.subscription, stored.document.period_end)
        update = UpdateExpression().set_all(values).remove(*removed)
        return {"Update": self._update(stored, str(update), placeholders(values))}

    def statement(self, save: Save, now: datetime) -> Request:
        """Return the same write as a PartiQL statement; it is rejected under the same condition."""
        decision, stored = save.decision, save.stored
        due = self.due(save.odoo_order_id, save.line_at or now)
        values = version_values(decision, stored, due, now)
        key = keys.rating_key(decision.computed_rating.key)
        if stored is None:
            item = {**key, **values, **raised_value(decision.raised)}
            names = ", ".join(f"'{name}': ?" for name in item)
            # Table and attribute names alone; every value is a parameter.
            insert = f'INSERT INTO "{self.table}" VALUE {{{names}}}'
            return {"Statement": insert, "Parameters": list(item.values())}
        if decision.raised:
            values["raised"] = {"SS": sorted(stored.raised | decision.raised)}
        sets = " ".join(f"SET {name} = ?" for name in values)
        gone = " ".join(f"REMOVE {name}" for name in removed(decision, stored))
        where = "pk = ? AND sk = ? AND version = ? AND frozen IS MISSING"
        if not stored.line.is_on_rating:
            where += " AND line_state IS MISSING"
        update = f'UPDATE "{self.table}" {sets} {gone} WHERE {where}'
        read = {"N": str(stored.version)}
        return {"Statement": update, "Parameters": [*values.values(), key["pk"], key["sk"], read]}

    def line_change(self, save: Save, now: datetime) -> LineChange:
        """Return what becomes of the line of a saved version."""
        due = self.due(save.odoo_order_id, save.line_at or now)
        return LineChange(save.decision.computed_rating.key, save.decision.version, save.decision.line, due)

    def due(self, odoo_order_id: int, at: datetime) -> DueLine:
        """Return when and in which partition the line of an order is due."""
        return DueLine(keys.due_lines_partition(keys.line_partition(odoo_order_id, self.line_partitions)), at)

    def same_version(self, decision: SameVersion, due: DueLine) -> Request:
        """Return the write of what changes around an unchanged version: thresholds, and a line on the same item."""
        stored, listed = decision.stored, {}
        if not stored.is_listed:
            listed = period_end_values(stored.key.subscription, stored.document.period_end)
        if not stored.line.is_on_rating:
            return {"Update": self._change(stored, listed, (), decision.raised)}
        values = line_values(decision.line, due)
        return {"Update": self._change(stored, {**values, **listed}, LINE_GONE[decision.line], decision.raised)}

    def on_rating(self, moved: LineChange) -> Request:
        """Return the write of a line that was moved onto its rating's item after the rating was read."""
        values = line_values(moved.move, moved.due)
        update = UpdateExpression().set_all(values).remove(*LINE_GONE[moved.move])
        return {
            "TableName": self.table,
            "Key": keys.rating_key(moved.key),
            "UpdateExpression": str(update),
            "ConditionExpression": _NOTHING_OVERTOOK,
            "ExpressionAttributeValues": {**placeholders(values), ":expected": {"N": str(moved.version)}},
        }

    def _change(self, stored: StoredRating, attributes: Item, gone: Sequence[str], raised: frozenset[str]) -> Request:
        values = placeholders(attributes)
        if raised:
            values[":raised"] = {"SS": sorted(raised)}
        update = UpdateExpression().set_all(attributes).remove(*gone).add("raised", when=bool(raised))
        return self._update(stored, str(update), values)

    def _update(self, stored: StoredRating, expression: str, values: Item) -> Request:
        condition = _NOTHING_OVERTOOK if stored.line.is_on_rating else f"{_NOTHING_OVERTOOK} AND {_WAS_NOT_MOVED}"
        return {
            "TableName": self.table,
            "Key": keys.rating_key(stored.key),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {**values, ":expected": {"N": str(stored.version)}},
        }
