"""The environment of one call: who calls, on which state, at what time, in which context."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.odoo import access
from local.odoo.errors import DatabaseError, PythonError
from local.odoo.fields import DATETIME_FORMAT
from local.odoo.state import State

if TYPE_CHECKING:
    from local.odoo.orm import Model

SUPERUSER = 1
REGISTRY: dict[str, "type[Model]"] = {}
"""Every model by its name; a model enters it when its class is defined."""

Clock = Callable[[], datetime]


class Environment:
    """Gives models bound to one caller.

    `changed_orders` gathers the orders the transaction changed, `touched_orders` also those it
    only tried to change or found unchanged.
    """

    def __init__(
        self,
        state: State,
        uid: int,
        clock: Clock,
        context: dict[str, Any] | None = None,
        *,
        superuser: bool = False,
        snapshot: int | None = None,
        beside: "Environment | None" = None,
    ) -> None:
        self.state = state
        self.uid = uid
        self.clock = clock
        self.context = context or {}
        self.superuser = superuser
        self.snapshot = snapshot
        self.changed_orders: set[int] = beside.changed_orders if beside else set()
        self.touched_orders: set[int] = beside.touched_orders if beside else set()
        user = state.get("res.users", uid)
        self.user_name = str(user["name"]) if user else ""
        self.groups = access.closure(user["group_ids"] if user else ())

    def __getitem__(self, name: str) -> "Model":
        try:
            return REGISTRY[name](self)
        except KeyError:
            raise PythonError(KeyError, repr(name)) from None

    def sudo(self) -> "Environment":
        """Return the same environment without any check of rights."""
        return Environment(
            self.state,
            self.uid,
            self.clock,
            self.context,
            superuser=True,
            snapshot=self.snapshot,
            beside=self,
        )

    def change_order(self, order_id: int) -> None:
        """Note that the transaction changes an order.

        Raises a serialization failure where another one changed it after `snapshot`, the number of
        commits this one knows of: so PostgreSQL answers to a repeatable read that comes second.
        """
        self.touched_orders.add(order_id)
        if self.snapshot is not None and self.state.last_change.get(order_id, 0) > self.snapshot:
            raise DatabaseError.serialization()
        self.changed_orders.add(order_id)

    def timestamp(self) -> str:
        """Return the present moment as a stored datetime (UTC, microseconds)."""
        return self.clock().strftime(f"{DATETIME_FORMAT}.%f")

    def today(self) -> str:
        """Return the present day (UTC), `YYYY-MM-DD`."""
        return self.clock().date().isoformat()
