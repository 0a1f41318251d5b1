"""Build a primary key."""

from typing import TypeAlias

Key: TypeAlias = dict[str, dict[str, str]]


def primary(pk: str, sk: str | None = None) -> Key:
    """Return a primary key; tables without a sort key take the partition key alone."""
    return {"pk": {"S": pk}} if sk is None else {"pk": {"S": pk}, "sk": {"S": sk}}
