"""Log in the audit log what a key pushes on behalf of other sources; imported when the first such push comes.

Pushes of a source's own records are not logged: their revisions are.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from functions.ingest.result import Result
from fusion_billing.access.principal import Principal
from fusion_billing.audit.entry import Actor, Via
from fusion_billing.audit.recorder import AuditLog, Recorder
from fusion_billing.catalog.identifiers import MAX_REASON, SOURCE_ID
from fusion_billing.errors import Unavailable
from fusion_billing.metering.parsing import readable_key
from fusion_billing.strict_json import Number

ACTION = "post_usage"
"""The operation in the OpenAPI document."""

_INVALID = "[invalid]"
"""What stands for a value that no field of a record has: an object, a list, a text that is too long."""

_SHOWN = ("idempotency_key", "subscription", "metric", "period_start", "period_end", "quantity", "sequence", "reason")


class Corrections:
    """The records of one request that belong to other sources than the key's."""

    def __init__(
        self, log: AuditLog, principal: Principal, values: Sequence[object], now: datetime, *, via_session: bool
    ) -> None:
        bearer: Via = "jwt" if principal.person else "api_key"
        actor = Actor(principal.actor, principal.source, "session" if via_session else bearer)
        self._recorder = Recorder(lambda: log, actor, ACTION, now)
        self._values = cast("list[Any]", values)
        self._indexes: dict[str, list[int]] = {}
        for index in indexes_on_behalf(principal, values):
            self._indexes.setdefault(str(self._values[index]["source"]), []).append(index)

    def requested(self) -> None:
        """Note what is about to be pushed; raises `Unavailable`, and then nothing may be."""
        for source, indexes in self._indexes.items():
            records = [_shown(self._values[at]) for at in indexes]
            self._recorder.note(self._object(source, indexes), "requested", {"records": records})

    def done(self, results: Sequence[Result]) -> None:
        """Note the outcomes."""
        for source, indexes in self._indexes.items():
            outcomes = [
                {"idempotency_key": results[at].key, "outcome": results[at].outcome, "revision": results[at].revision}
                for at in indexes
            ]
            with suppress(Unavailable):  # the first entry stands
                self._recorder.note(self._object(source, indexes), "done", {"records": outcomes})

    def _object(self, source: str, indexes: Sequence[int]) -> str:
        """Return the record if there is one, else its source."""
        key = readable_key(self._values[indexes[0]]) if len(indexes) == 1 else None
        return f"usage/{source}" if key is None else f"usage/{source}/{key}"


def _shown(value: Mapping[str, object]) -> dict[str, object]:
    """Return what an entry says of a record, which may be invalid: nothing nested, and no long text."""
    return {name: value[name] if _is_short(value[name]) else _INVALID for name in _SHOWN if name in value}


def _is_short(value: object) -> bool:
    text = value.text if isinstance(value, Number) else value
    return text is None or isinstance(text, bool) or (isinstance(text, str) and len(text) <= MAX_REASON)


def indexes_on_behalf(principal: Principal, values: Sequence[object]) -> list[int]:
    """Return the places of the records that name another source than the key's, if the key may do so.

    A source that can't exist is left out: its records are invalid.
    """
    if not principal.is_admin:
        return []
    return [
        index
        for index, value in enumerate(values)
        if isinstance(value, Mapping) and _names_another(value.get("source"), principal.source)
    ]


def _names_another(source: object, own: str) -> bool:
    return isinstance(source, str) and source != own and SOURCE_ID.fullmatch(source) is not None
