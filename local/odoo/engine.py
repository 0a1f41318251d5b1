"""One call of a model's method: rights, faults, latency, one transaction, the journal.

The protocols (`json2`, `rpc`) come down to `StandIn.call`. Two transactions that change one order at
once end as in PostgreSQL: the second to finish gets a serialization failure. Odoo repeats most
calls itself then; `load` swallows the failure and answers `ids: false`.
"""

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.odoo import models
from local.odoo.environment import REGISTRY, Clock, Environment
from local.odoo.errors import (
    SERIALIZATION_MESSAGE,
    AccessError,
    DatabaseError,
    HttpError,
    OdooError,
    ValidationError,
)
from local.odoo.faults import Fault, Faults, GatewayAnswer, Hangup
from local.odoo.journal import Entry, Journal
from local.odoo.load import failure
from local.odoo.models.users import user_of_key
from local.odoo.state import State

__all__ = ["SERIES", "Call", "StandIn", "models", "utc_now"]

SERIES = ("17.0", "18.0", "19.0")


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Call:
    """What is called: a method of a model, on `ids`, with the other arguments."""

    protocol: str
    uid: int
    model: str
    method: str
    ids: list[int] = field(default_factory=list)
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return how many records the call is about."""
        for name in ("data", "vals_list"):
            value = self.kwargs.get(name)
            if isinstance(value, list):
                return len(value)
        if self.method == "load" and len(self.args) > 1:
            return len(self.args[1])
        return max(1, len(self.ids))


class StandIn:
    """The server without its HTTP: state, faults, latencies, journal."""

    def __init__(
        self,
        state_path: Path | str,
        *,
        database: str = "demo",
        series: str = SERIES[-1],
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if series not in SERIES:
            raise ValueError(f"unknown series {series!r}; there are: {', '.join(SERIES)}")
        self.state = State(state_path)
        self.database = database
        self.database_up = True
        self.series = series
        with self.state.transaction():
            self.state.set("series", series)
            self._complete_records()
        self.clock = clock
        self.sleep = sleep
        self.faults = Faults()
        self.journal = Journal()
        self.latencies: dict[str, tuple[float, float]] = {}  # "model/method" or "*" -> seconds, and a row

    def _complete_records(self) -> None:
        """Add new fields to records of a stored state."""
        for name, model in REGISTRY.items():
            empty = {key: field.empty() for key, field in model.fields.items() if field.stored}
            for record_id, record in list(self.state.table(name).items()):
                if empty.keys() - record.keys() - {"display_name"}:
                    self.state.put(name, record_id, {**empty, **record})

    def user_of_key(self, key: str) -> int | None:
        """Return the user a live API key belongs to, or None."""
        with self.state.lock:
            return user_of_key(self.state, key, self.clock())

    def environment(
        self,
        uid: int,
        context: dict[str, Any] | None = None,
        *,
        sudo: bool = False,
        snapshot: int | None = None,
    ) -> Environment:
        """Return an environment for `uid`; use it inside `state.transaction()`."""
        return Environment(self.state, uid, self.clock, context, superuser=sudo, snapshot=snapshot)

    def is_model(self, name: str) -> bool:
        """Return whether there is a model of that name."""
        return name in REGISTRY

    def is_model_method(self, model: str, method: str) -> bool:
        """Return whether a method works on the model as a whole, so that no ids come first."""
        if (self.series, model, method) == ("17.0", "res.users", "has_group"):
            return True
        return getattr(getattr(REGISTRY.get(model), method, None), "api", None) == "model"

    def call(self, call: Call) -> Any:
        """Carry out one call and return the method's value.

        Raises `OdooError` (an answer in Odoo's own shape), `GatewayAnswer` or `Hangup`.
        """
        entry = self.journal.begin(call.protocol, call.uid, call.model, call.method, call.rows)
        outcome = "hangup"
        try:
            result = self._with_faults(call, entry)
            outcome = "refused" if call.method == "load" and result["ids"] is False else "ok"
        except OdooError as error:
            outcome = error.name
            raise
        except GatewayAnswer as response:
            outcome = f"gateway {response.status}"
            raise
        finally:
            self.journal.end(entry, outcome)
        return result

    def _with_faults(self, call: Call, entry: Entry) -> Any:
        fault = self.faults.take(call.model, call.method)
        snapshot = self.state.commits
        self._dawdle(call, fault)
        if fault is not None and fault.kind not in ("slow", "lost"):
            return _failed(fault, call)
        result = self._transact(call, snapshot, entry)
        if fault is not None and fault.kind == "lost":
            raise Hangup
        return result

    def _dawdle(self, call: Call, fault: Fault | None) -> None:
        base, each = self.latencies.get(f"{call.model}/{call.method}", self.latencies.get("*", (0.0, 0.0)))
        seconds = base + each * call.rows + (fault.delay if fault else 0.0)
        if seconds > 0:
            self.sleep(seconds)

    def _transact(self, call: Call, snapshot: int, entry: Entry) -> Any:
        with self.state.lock:
            try:
                return self._attempt(call, snapshot, entry)
            except DatabaseError as error:
                if error.kind == "SerializationFailure":
                    # Odoo begins anew by itself; nothing can come between while the lock is held.
                    return self._attempt(call, self.state.commits, entry)
                if error.kind == "NotNullViolation":
                    raise ValidationError(error.message) from None
                raise

    def _attempt(self, call: Call, snapshot: int, entry: Entry) -> Any:
        env = self.environment(call.uid, call.context, snapshot=snapshot)
        try:
            with self.state.transaction():
                result = _invoke(env, call)
        finally:
            entry.orders = sorted(env.touched_orders)
        if env.changed_orders:
            self.state.commits += 1
            self.state.last_change |= dict.fromkeys(env.changed_orders, self.state.commits)
        return result

    def close(self) -> None:
        """Close the state's file."""
        self.state.close()


def _failed(fault: Fault, call: Call) -> Any:
    if fault.kind == "serialization":
        raise DatabaseError.serialization()
    if fault.kind == "load_serialization" and call.method == "load":
        return failure(SERIALIZATION_MESSAGE, call.rows)
    if fault.kind == "status":
        raise GatewayAnswer(fault.status, fault.retry_after)
    if fault.kind == "reset":
        raise Hangup
    raise DatabaseError.serialization()


def _invoke(env: Environment, call: Call) -> Any:
    if call.model not in REGISTRY:
        raise HttpError(404, f"the model {call.model!r} does not exist")
    label = f"{call.model}.{call.method}"
    if call.method.startswith("_"):
        raise AccessError(f"Private methods (such as '{label}') cannot be called remotely.")
    method = getattr(env[call.model], call.method, None)
    kind = getattr(method, "api", None)
    if method is None or kind is None:
        raise HttpError(404, f"The method '{label}' does not exist")
    if kind == "model" and call.ids:
        raise HttpError(422, f"cannot call {label} with ids")
    args = call.args if kind == "model" else (call.ids, *call.args)
    try:
        inspect.signature(method).bind(*args, **call.kwargs)
    except TypeError as error:
        raise HttpError(422, str(error)) from None
    return method(*args, **call.kwargs)
