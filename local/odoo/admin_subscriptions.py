"""The controls that do to a subscription what a person does in Odoo, one call each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local.odoo import invoicing, lifecycle
from local.odoo.engine import StandIn
from local.odoo.environment import SUPERUSER, Environment

FIELDS = (
    "state",
    "subscription_state",
    "plan_id",
    "start_date",
    "end_date",
    "next_invoice_date",
    "subscription_id",
    "origin_order_id",
)


class SubscriptionControls:
    """Renew, upsell, pause, resume, close, change the plan, invoice a period."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self._state = stand_in.state

    def _env(self) -> Environment:
        return self._stand_in.environment(SUPERUSER, {"active_test": False}, sudo=True)

    @contextmanager
    def _committed(self) -> Iterator[Environment]:
        """Give an environment in one transaction, seen by transactions that began before it."""
        with self._state.lock:
            env = self._env()
            with self._state.transaction():
                yield env
            self._state.commits += 1
            self._state.last_change |= dict.fromkeys(env.changed_orders, self._state.commits)

    def _done(self, act: Callable[[Environment], object], order_id: int) -> dict[str, Any]:
        with self._committed() as env:
            act(env)
            return env["sale.order"].read([order_id], list(FIELDS), load=None)[0]

    def renew(
        self, order_id: int, start: str | None = None, plan: int | None = None, *, confirm: bool = True
    ) -> dict[str, Any]:
        """Renew a subscription with a new order; return the new order's `id` and fields.

        Unless `confirm` is false, which leaves the quotation (`2_renewal`), the new order runs and the old
        one is `5_renewed`. `start` is by default the old order's next invoice date.
        """
        with self._committed() as env:
            new = lifecycle.renew(env, order_id, start=start, plan=plan)
            if confirm:
                lifecycle.confirm(env, new)
            return env["sale.order"].read([new], list(FIELDS), load=None)[0]

    def upsell(self, order_id: int, product_id: int, quantity: int = 1, *, confirm: bool = True) -> dict[str, Any]:
        """Make an upsell order (`7_upsell`) of a subscription; return its `id` and fields."""
        with self._committed() as env:
            new = lifecycle.upsell(env, order_id, product_id, quantity)
            if confirm:
                lifecycle.confirm(env, new)
            return env["sale.order"].read([new], list(FIELDS), load=None)[0]

    def confirm(self, order_id: int) -> dict[str, Any]:
        """Confirm a quotation, a renewal's and an upsell's too; return the order."""
        return self._done(lambda env: lifecycle.confirm(env, order_id), order_id)

    def pause(self, order_id: int) -> dict[str, Any]:
        """Pause a running subscription (`4_paused`); return the order."""
        return self._done(lambda env: lifecycle.pause(env, order_id), order_id)

    def resume(self, order_id: int, next_invoice_date: str | None = None) -> dict[str, Any]:
        """Resume a paused subscription; return the order."""
        return self._done(lambda env: lifecycle.resume(env, order_id, next_invoice_date), order_id)

    def close(self, order_id: int, end: str | None = None) -> dict[str, Any]:
        """Close a subscription (`6_churn`) as of `end`, by default today; return the order."""
        return self._done(lambda env: lifecycle.close(env, order_id, end), order_id)

    def change_plan(self, order_id: int, plan: int) -> dict[str, Any]:
        """Give a subscription another plan on the same order; return the order."""
        return self._done(lambda env: lifecycle.change_plan(env, order_id, plan), order_id)

    def payment_exception(self, order_id: int, *, raised: bool = True) -> dict[str, Any]:
        """Set or clear the payment exception that makes Odoo skip a subscription; return the order."""
        return self._done(lambda env: env["sale.order"].write([order_id], {"payment_exception": raised}), order_id)

    def invoice_period(self, order_id: int, *, draft: bool = False) -> dict[str, Any]:
        """Invoice a subscription's period: see `invoicing.invoice_period`."""
        with self._committed() as env:
            result = invoicing.invoice_period(env, order_id, draft=draft)
            env.change_order(order_id)
            return result
