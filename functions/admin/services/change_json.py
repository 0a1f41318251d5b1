"""The changes of a definition as responses show them."""

from collections.abc import Iterable
from typing import NotRequired, TypedDict

from fusion_billing.catalog.change import ChangeEntry


class ChangeJson(TypedDict):
    """One change of a definition: the version that it made, when, by whom, what, and why."""

    version: int
    changed_at: str
    actor: str
    cause: str
    reason: NotRequired[str]


def changes_json(entries: Iterable[ChangeEntry]) -> list[ChangeJson]:
    """Return stored entries of a definition's history as responses show them."""
    return [_change(entry) for entry in entries]


def _change(entry: ChangeEntry) -> ChangeJson:
    shown: ChangeJson = {
        "version": entry["version"],
        "changed_at": entry["at"],
        "actor": entry["actor"],
        "cause": entry["cause"],
    }
    if entry.get("reason"):
        shown["reason"] = entry["reason"]
    return shown
