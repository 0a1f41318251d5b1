"""Writes of a rating: as parts of a transaction, and as PartiQL statements of a batch.

The relay writes the `line_...` attributes of the same item, so a new version updates the attributes that are named
here and never replaces the item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fusion_billing.billing.decisions import NewVersion, SameVersion
from fusion_billing.billing.rating import RatingKey, StoredRating
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item, Request
from fusion_billing.dynamodb.expressions import UpdateExpression, placeholders
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
        gone = removed(decision, stored)
        return {"Update": self._change(rated.key, stored.version, values, gone, decision.raised)}

    def frozen(self, stored: StoredRating) -> Item:
        """Return the write that freezes a rating."""
        changes = ["frozen = :yes"]
        removed = ["line_error", "line_message"]
        values: dict[str, Any] = {":yes": {"BOOL": True}, ":expected": {"N": str(stored.version)}}
        if stored.line.amount is None:
            removed.append("line_state")
        else:
            changes.append("line_state = :sent")
            values[":sent"] = {"S": "sent"}
        if stored.line.amount is None and not stored.unresolved:
            removed += ["line_pk", "line_at"]
        else:
            changes += ["line_pk = :invoices", "line_at = :since"]
            order = stored.document.odoo_order_id
            values[":invoices"] = {"S": keys.invoices_partition(keys.line_partition(order, self.line_partitions))}
            values[":since"] = {"S": _AT_ONCE}
        if not stored.is_listed:
            changes += ["end_pk = :end_pk", "end_at = :end_at"]
            values |= placeholders(period_end_values(stored.key.subscription, stored.document.period_end))
        expression = f"SET {', '.join(changes)} REMOVE {', '.join(removed)}"
        return {"Update": self._update(stored.key, expression, values)}

    def statement(self, save: Save, now: datetime) -> Request:
        """Return the same write as a PartiQL statement; it is refused where the other's condition fails."""
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
        update = f'UPDATE "{self.table}" {sets} {gone} WHERE {where}'
        read = {"N": str(stored.version)}
        return {"Statement": update, "Parameters": [*values.values(), key["pk"], key["sk"], read]}

    def due(self, odoo_order_id: int, at: datetime) -> DueLine:
        """Return when and in which partition the line of an order is due."""
        return DueLine(keys.due_lines_partition(keys.line_partition(odoo_order_id, self.line_partitions)), at)

    def same_version(self, decision: SameVersion, due: DueLine) -> Item:
        """Return the write of what changes around an unchanged version: its line, and the thresholds reached."""
        stored = decision.stored
        values = line_values(decision.line, due)
        if not stored.is_listed:
            values |= period_end_values(stored.key.subscription, stored.document.period_end)
        gone = LINE_GONE[decision.line]
        return {"Update": self._change(stored.key, stored.version, values, gone, decision.raised)}

    def _change(
        self,
        key: RatingKey,
        expected: int,
        attributes: dict[str, Any],
        gone: Sequence[str],
        raised: frozenset[str],
    ) -> dict[str, Any]:
        values = {**placeholders(attributes), ":expected": {"N": str(expected)}}
        if raised:
            values[":raised"] = {"SS": sorted(raised)}
        update = UpdateExpression().set_all(attributes).remove(*gone).add("raised", when=bool(raised))
        return self._update(key, str(update), values)

    def _update(self, key: RatingKey, expression: str, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "TableName": self.table,
            "Key": keys.rating_key(key),
            "UpdateExpression": expression,
            "ConditionExpression": _NOTHING_OVERTOOK,
            "ExpressionAttributeValues": values,
        }
