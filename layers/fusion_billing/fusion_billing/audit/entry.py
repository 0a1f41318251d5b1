"""Define an entry of the audit log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fusion_billing.audit.redaction import redacted, redacted_text
from fusion_billing.webhooks import identifiers

Stage = Literal["done", "requested", "failed"]
"""`done`: the change was made. `requested`: it is about to be tried. `failed`: it was refused, or broke off."""

Via = Literal["api_key", "session", "jwt", "portal_token", "none"]
"""How an actor proved who it is."""

MAX_SIDE = 150_000
"""Characters of what an entry says of one side of a change, as JSON."""
TOO_LARGE = {"omitted": "too large for the audit log: see the history of the object"}

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the API key or the person, and the source, or nobody yet; `via` is how they proved it."""

    key_id: str
    source: str
    via: Via = "api_key"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `before` and `after` are the fields that differ, None where the object does not exist.

    `id` sorts by time. `action` is the operation in the OpenAPI document, `object_` names what it is about.
    `error` is the error code of a change that failed.
    """

    id: str
    at: datetime
    actor: Actor
    action: str
    object_: str
    stage: Stage
    before: Document | None = None
    after: Document | None = None
    reason: str | None = None
    error: str | None = None


def entry_id(now: datetime, random: bytes) -> str:
    """Return `aud_…` for an entry of `now`; `random` is `identifiers.RANDOM_BYTES` long."""
    return f"aud_{identifiers.event_id(now, random).removeprefix('msg_')}"


def first_entry_id(since: datetime) -> str:
    """Return what sorts before the ID of every entry of `since` or later, and after every older one."""
    return f"aud_{identifiers.first_event_id(since).removeprefix('msg_')}"


def is_entry_id(text: str) -> bool:
    """Return whether `text` can be the ID of an entry."""
    return text.startswith("aud_") and identifiers.is_event_id(f"msg_{text.removeprefix('aud_')}")


def differing(
    before: Mapping[str, object] | None, after: Mapping[str, object] | None
) -> tuple[Document | None, Document | None]:
    """Return both sides of a change, each with the fields that differ alone, if the object exists on both."""
    if before is None or after is None:
        return before, after
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def safe(document: Document | None) -> Document | None:
    """Return a side of a change without secrets, and of bounded size."""
    if document is None:
        return None
    if len(json.dumps(document, default=str)) > MAX_SIDE:
        return TOO_LARGE  # before anything is searched for in it
    content = redacted(document)
    return content if isinstance(content, dict) else TOO_LARGE


def safe_text(text: str | None) -> str | None:
    """Return a text without secrets."""
    return None if text is None else redacted_text(text)
