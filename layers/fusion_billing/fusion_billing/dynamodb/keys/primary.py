"""Build a primary key."""

from typing import TypeAlias

from fusion_billing.dynamodb.attributes import Item

Key: TypeAlias = Item


def primary(pk: str, sk: str | None = None) -> Key:
    """Return a primary key; tables without a sort key take the partition key alone."""
    return {"pk": {"S": pk}} if sk is None else {"pk": {"S": pk}, "sk": {"S": sk}}
