"""Metrics and charges in the catalog table (docs/data-model.md, Catalog).

There are few of each kind, so each kind has one partition. A change and its entry in the history
(`dynamodb.catalog.definition_history`) are written in one transaction. A metric counts in `refs` how often a charge
that uses it was written. A deletion is conditional on the count that was read, so no charge can start to use the
metric in between.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from botocore.exceptions import ClientError

from fusion_billing.catalog.change import Change, ChangeEntry
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.identifiers import CODE
from fusion_billing.catalog.metric import Idempotency, Metric, immutable_idempotency
from fusion_billing.catalog.validation import check_size
from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import Item
from fusion_billing.dynamodb.catalog.definition_history import DefinitionHistory
from fusion_billing.dynamodb.catalog.keying_items import KeyingItems
from fusion_billing.dynamodb.errors import (
    cancelled_by_condition,
    reasons,
    unavailable_when_transient,
)
from fusion_billing.dynamodb.keys import CHARGE, METRIC, DefinitionKind
from fusion_billing.dynamodb.query_pages import query_items, query_pages
from fusion_billing.dynamodb.usage.metric_keying import BY_WINDOW, KEYING
from fusion_billing.errors import Fault, NotFound, Refused, VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_IS_NEW = "attribute_not_exists(pk)"
_EXISTS = "attribute_exists(pk)"
_IS_THE_VERSION_READ = "version = :expected"

_FULL_PAGE = 400_000
"""Characters of definitions past which a page of a list holds no more, lest its answer be too large."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Stored(Generic[Value]):
    """A stored definition and its version, which counts its writes."""

    value: Value
    version: int


class CatalogStore:
    """Reads and writes metrics and charges; reads are consistent."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._history = DefinitionHistory(client, table)
        self._keying = KeyingItems(client, table)

    def metric(self, code: str) -> Metric | None:
        """Return a metric."""
        stored = self.stored_metric(code)
        return stored.value if stored is not None else None

    def metrics(self) -> dict[str, Metric]:
        """Return every metric, by code."""
        items, _ = self._listing(METRIC, None, None)
        return {item["sk"]["S"]: _metric(item).value for item in items}

    def charge(self, code: str) -> list[Charge]:
        """Return the price versions of a charge by `valid_from`; empty if the charge does not exist."""
        stored = self.stored_charge(code)
        return list(stored.value) if stored is not None else []

    def charges(self) -> dict[str, list[Charge]]:
        """Return the price versions of every charge, by code."""
        items, _ = self._listing(CHARGE, None, None)
        return {item["sk"]["S"]: list(_charge(item).value) for item in items}

    def stored_metric(self, code: str) -> Stored[Metric] | None:
        """Return a metric with its version."""
        item = self._item(METRIC, code)
        return _metric(item) if item is not None else None

    def stored_charge(self, code: str) -> Stored[tuple[Charge, ...]] | None:
        """Return a charge's versions by `valid_from`, with the item's version."""
        item = self._item(CHARGE, code)
        return _charge(item) if item is not None else None

    def metric_page(self, after: str | None, limit: int) -> tuple[list[Stored[Metric]], str | None]:
        """Return a page of metrics by code, and the code that the next page starts after."""
        items, last = self._listing(METRIC, after, limit)
        return [_metric(item) for item in items], last

    def charge_page(self, after: str | None, limit: int) -> tuple[list[Stored[tuple[Charge, ...]]], str | None]:
        """Return a page of charges by code, and the code that the next page starts after."""
        items, last = self._listing(CHARGE, after, limit)
        return [_charge(item) for item in items], last

    def history(self, kind: DefinitionKind, code: str) -> list[ChangeEntry]:
        """Return the latest changes of a metric or charge, newest first."""
        return self._history.newest(kind, code) if CODE.fullmatch(code) else []

    def put_metric(self, metric: Metric, expected: int | None, change: Change | None = None) -> int:
        """Write a metric over version `expected` (None: it is new); return its version.

        Raises `Refused` (`immutable`) if a metric of this code had another `idempotency`, `VersionConflict`, and
        `Unavailable`.
        """
        version = 1 if expected is None else expected + 1
        put: Any = {
            "TableName": self._table,
            "Key": keys.definition_key(METRIC, metric.code),
            "UpdateExpression": "SET doc = :doc, version = :version",
            "ConditionExpression": _IS_NEW if expected is None else _IS_THE_VERSION_READ,
            "ExpressionAttributeValues": {
                ":doc": _text(metric.as_json()),
                ":version": {"N": str(version)},
                **_expected(expected),
            },
        }
        writes: list[Any] = [{"Update": put}]
        if expected is None:
            if metric.by_window:
                put["UpdateExpression"] += f", {KEYING} = :keying"
                put["ExpressionAttributeValues"][":keying"] = {"S": BY_WINDOW}
            writes.append(self._keying.write(metric))
        if not self._write(writes, METRIC, metric.code, version, change):
            raise immutable_idempotency("key" if metric.by_window else "window")
        return version

    def idempotency_of_records(self, code: str) -> Idempotency | None:
        """Return how records of a metric that was deleted are keyed; None if no metric of the code ever existed."""
        was_defined = bool(self.history(METRIC, code))  # an earlier release keyed all records alike
        return self._keying.of(code) or ("key" if was_defined else None)

    def refs_of(self, code: str) -> int:
        """Return how often a charge that uses the metric was written; raises `NotFound`."""
        item = self._item(METRIC, code)
        if item is None:
            raise NotFound(f"Unknown metric: {code}")
        return int(item["refs"]["N"]) if "refs" in item else 0

    def delete_metric(self, code: str, refs: int, change: Change | None = None) -> None:
        """Delete a metric that no charge uses. Call `refs_of` before looking for charges, and pass its result.

        Raises `VersionConflict` if a charge that uses it was written since, or if it does not exist.
        """
        none_was_put_upon_it = "refs = :refs" if refs else f"{_EXISTS} AND attribute_not_exists(refs)"
        delete: Any = {
            "TableName": self._table,
            "Key": keys.definition_key(METRIC, code),
            "ConditionExpression": none_was_put_upon_it,
        }
        if refs:
            delete["ExpressionAttributeValues"] = {":refs": {"N": str(refs)}}
        self._write([{"Delete": delete}], METRIC, code, 0, change)

    def put_charge(self, versions: Sequence[Charge], expected: int | None, change: Change | None = None) -> int:
        """Write a charge's versions over the version `expected` (None: it is new); return the new version.

        Raises `Refused` (`unknown_metric`) if the metric does not exist, `VersionConflict`, and `Unavailable`.
        """
        code, metric = versions[0].code, versions[0].metric
        version = 1 if expected is None else expected + 1
        put_charge: Any = {
            "TableName": self._table,
            "Item": {
                **keys.definition_key(CHARGE, code),
                "doc": _text([version.as_json() for version in versions]),
                "version": {"N": str(version)},
            },
            "ConditionExpression": _IS_NEW if expected is None else _IS_THE_VERSION_READ,
        }
        if expected is not None:
            put_charge["ExpressionAttributeValues"] = _expected(expected)
        count_on_metric: Any = {
            "TableName": self._table,
            "Key": keys.definition_key(METRIC, metric),
            "UpdateExpression": "ADD refs :one",
            "ConditionExpression": _EXISTS,
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        writes: list[Any] = [{"Put": put_charge}, {"Update": count_on_metric}]
        if not self._write(writes, CHARGE, code, version, change):
            raise Refused([Fault("metric", "unknown_metric", f"Unknown metric: {metric}")])
        return version

    def delete_charge(self, code: str, expected: int, change: Change | None = None) -> None:
        """Delete a charge in the version that was read; raises `VersionConflict` if it has changed since."""
        delete: Any = {
            "TableName": self._table,
            "Key": keys.definition_key(CHARGE, code),
            "ConditionExpression": _IS_THE_VERSION_READ,
            "ExpressionAttributeValues": _expected(expected),
        }
        self._write([{"Delete": delete}], CHARGE, code, expected, change)

    def _write(self, writes: list[Any], kind: DefinitionKind, code: str, version: int, change: Change | None) -> bool:
        """Write all or nothing, with the entry of the history; return False if the second write was rejected.

        Raises `VersionConflict` if the condition of the first write failed, and `Unavailable`.
        """
        entry: list[Any] = [] if change is None else [self._history.write(kind, code, version, change), *change.also]
        try:
            with unavailable_when_transient():
                self._client.transact_write_items(TransactItems=writes + entry)
        except ClientError as error:
            if not cancelled_by_condition(error):
                raise
            failed = [reason == "ConditionalCheckFailed" for reason in reasons(error)]
            if len(writes) > 1 and failed[1]:
                return False
            raise VersionConflict(f"The {kind.lower()} {code} was changed by another request: read it again") from error
        return True

    def _item(self, kind: DefinitionKind, code: str) -> dict[str, Any] | None:
        if not CODE.fullmatch(code):
            return None  # no item has such a key, and some are none that a table can have
        with unavailable_when_transient():
            response = self._client.get_item(
                TableName=self._table, Key=keys.definition_key(kind, code), ConsistentRead=True
            )
        return response.get("Item")

    def _listing(
        self, kind: DefinitionKind, after: str | None, limit: int | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :kind",
            "ExpressionAttributeValues": {":kind": {"S": kind}},
            "ConsistentRead": True,
        }
        if after is not None and not CODE.fullmatch(after):
            return [], None
        position = keys.definition_key(kind, after) if after is not None else None
        if limit is None:
            with unavailable_when_transient():
                return list(query_items(self._client, request, position)), None
        request["Limit"] = limit
        items: list[Item] = []
        with unavailable_when_transient():
            for page, last in query_pages(self._client, request, position):
                items += page
                if last is not None and (len(items) >= limit or _size(items) > _FULL_PAGE):
                    return items, last["sk"]["S"]
                request["Limit"] = limit - len(items)
        return items, None


def _size(items: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(item["doc"]["S"]) for item in items)


def _text(document: object) -> dict[str, Any]:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    check_size(text)
    return {"S": text}


def _expected(version: int | None) -> dict[str, Any]:
    return {} if version is None else {":expected": {"N": str(version)}}


def _metric(item: Mapping[str, Any]) -> Stored[Metric]:
    return Stored(Metric.model_validate(json.loads(item["doc"]["S"])), int(item["version"]["N"]))


def _charge(item: Mapping[str, Any]) -> Stored[tuple[Charge, ...]]:
    versions = tuple(Charge.model_validate(version) for version in json.loads(item["doc"]["S"]))
    return Stored(versions, int(item["version"]["N"]))
