"""The changes of a definition as responses show them."""

from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict

from fusion_billing.json_types import JsonMapping


class ChangeJson(TypedDict):
    """One change of a definition: the version that it made, when, by whom, what, and why."""

    version: int
    changed_at: str
    actor: str
    cause: str
    reason: NotRequired[str]


def changes_json(entries: Iterable[JsonMapping]) -> list[ChangeJson]:
    """Return stored entries of a definition's history as responses show them."""
    return [_change(entry) for entry in entries]


def _change(entry: Mapping[str, Any]) -> ChangeJson:
    shown: ChangeJson = {
        "version": entry["version"],
        "changed_at": entry["at"],
        "actor": entry["actor"],
        "cause": entry["cause"],
    }
    if entry.get("reason"):
        shown["reason"] = entry["reason"]
    return shown
