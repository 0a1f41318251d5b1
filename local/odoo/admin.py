"""What tests and the demo do to the stand-in from behind: data, users, keys, invoices, faults.

Every public method is also `POST /stand-in/<name>` with its arguments as a JSON object.
"""

import secrets
from datetime import datetime
from typing import Any

from local.odoo import seed as seeds
from local.odoo.admin_invoices import InvoiceControls
from local.odoo.faults import Fault
from local.odoo.fields import DATETIME_FORMAT
from local.odoo.models.users import digest_of
from local.odoo.orm import Model


class Admin(InvoiceControls):
    """The stand-in's own controls."""

    # data

    def seed(self, records: dict[str, list[dict[str, Any]]]) -> dict[str, list[int]]:
        """Create records, `{"product.product": [{"id": 7, "name": …}]}`; return the ids by model.

        An `id` may be given; a record whose id exists is left as it is, so that seeding a kept
        database again changes nothing.
        """
        with self._state.transaction():
            result: dict[str, list[int]] = {}
            for model, rows in records.items():
                new = [row for row in rows if not self._exists(model, row.get("id"))]
                made = iter(seeds.insert(self._stand_in, {model: new})[model])
                result[model] = [row["id"] if row not in new else next(made) for row in rows]
            return result

    def _exists(self, model: str, record_id: int | None) -> bool:
        return record_id is not None and self._state.get(model, record_id) is not None

    def read(self, model: str, domain: Any = None, fields: list[str] | None = None) -> list[dict[str, Any]]:
        """Return records of any model, without any check of rights."""
        with self._state.lock:
            return self._env()[model].search_read(domain or [], fields, order="id")

    def write(self, model: str, ids: list[int], values: dict[str, Any]) -> bool:
        """Change records as by hand in Odoo: a locked order is refused here too."""
        with self._state.transaction():
            return self._model(model).write(ids, values)

    def unlink(self, model: str, ids: list[int]) -> bool:
        """Remove records, whatever Odoo's rules say of it (a line on a confirmed order too)."""
        with self._state.transaction():
            for record_id in ids:
                self._state.delete(model, record_id)
            return True

    def _model(self, name: str) -> Model:
        return self._env()[name]

    def chatter(self, order_id: int) -> list[str]:
        """Return what was posted on an order, oldest first."""
        found = self.read("mail.message", [["model", "=", "sale.order"], ["res_id", "=", order_id]], ["body"])
        return [message["body"] for message in found]

    def set_precision(self, name: str, digits: int) -> bool:
        """Set the decimals of a `decimal.precision`, such as `Product Unit`."""
        with self._state.transaction():
            env = self._env()
            found = env["decimal.precision"].search([["name", "=", name]])
            return env["decimal.precision"].write(found, {"digits": digits})

    def set_digits(self, field: str, digits: int | None) -> bool:
        """Round one field, `sale.order.line.price_unit`, to so many decimals; None: as it is by default."""
        with self._state.transaction():
            others = {k: v for k, v in self._state.setting("digits", {}).items() if k != field}
            self._state.set("digits", others if digits is None else {**others, field: digits})
        return True

    # users and keys

    def add_user(self, login: str, role: str, user_id: int | None = None, name: str | None = None) -> int:
        """Add a user in a role of `seed.ROLES`; return the id. One that exists keeps its id."""
        with self._state.transaction():
            users = self._env()["res.users"]
            found = users.search([["login", "=", login]])
            if found:
                return found[0]
            values = {"name": name or login, "login": login, "group_ids": seeds.ROLES[role]}
            return users.insert(values | ({"id": user_id} if user_id else {}))

    def archive_user(self, login: str) -> bool:
        """Archive a user: her keys stop working."""
        with self._state.transaction():
            users = self._env()["res.users"]
            return users.write(users.search([["login", "=", login]]), {"active": False})

    def set_password(self, login: str, password: str) -> bool:
        """Give a user a password, for the older RPC."""
        with self._state.transaction():
            for user_id in self._env()["res.users"].search([["login", "=", login]]):
                self._state.update("res.users", user_id, {"password": digest_of(password)})
        return True

    def add_key(self, login: str, key: str | None = None, expires: str | None = None, name: str = "key") -> str:
        """Add an API key (a random one by default) for a user; return it.

        `expires` is a UTC date and time, `YYYY-MM-DD HH:MM:SS`; None never expires.
        """
        key = key or secrets.token_hex(20)
        with self._state.transaction():
            [user_id] = self._env()["res.users"].search([["login", "=", login]])
            keys = self._env()["res.users.apikeys"]
            if not self._state.matching("res.users.apikeys", "digest", digest_of(key)):
                values = {"name": name, "user_id": user_id, "scope": "rpc", "expiration_date": expires}
                keys.insert({**values, "digest": digest_of(key)})
        return key

    def expire_key(self, key: str, at: str | None = None) -> bool:
        """Have a key expire at `at` (UTC), by default this moment."""
        moment = at or self._stand_in.clock().strftime(DATETIME_FORMAT)
        moment = datetime.fromisoformat(moment).strftime(f"{DATETIME_FORMAT}.%f")
        with self._state.transaction():
            for record_id in self._state.matching("res.users.apikeys", "digest", digest_of(key)):
                self._state.update("res.users.apikeys", record_id, {"expiration_date": moment})
        return True

    def revoke_key(self, key: str) -> bool:
        """Delete a key."""
        with self._state.transaction():
            for record_id in self._state.matching("res.users.apikeys", "digest", digest_of(key)):
                self._state.delete("res.users.apikeys", record_id)
        return True

    # faults

    def fault(
        self,
        kind: str,
        times: int = 1,
        *,
        model: str | None = None,
        method: str | None = None,
        skip: int = 0,
        delay: float = 0.0,
        status: int = 503,
        retry_after: int | None = None,
    ) -> bool:
        """Have the next matching calls meet a fault; the kinds are in `faults.KINDS`."""
        self._stand_in.faults.add(
            Fault(
                kind=kind,
                times=times,
                model=model,
                method=method,
                skip=skip,
                delay=delay,
                status=status,
                retry_after=retry_after,
            )
        )
        return True

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults still waiting."""
        return self._stand_in.faults.waiting()

    def clear_faults(self) -> bool:
        """Forget every fault and latency."""
        self._stand_in.faults.clear()
        self._stand_in.latencies.clear()
        return True

    def latency(self, base: float, row: float = 0.0, call: str = "*") -> bool:
        """Have calls (`model/method`, `*` for all others) take `base` seconds and `row` more a row."""
        self._stand_in.latencies[call] = (base, row)
        return True

    def pace(self, scale: float = 1.0) -> bool:
        """Have calls take as long as they took a real Odoo 19, times `scale`."""
        latencies = self._stand_in.latencies
        latencies["*"] = (0.03 * scale, 0.0)
        latencies["sale.order.line/write"] = latencies["sale.order.line/create"] = (
            0.05 * scale,
            0.01 * scale,
        )
        latencies["sale.order.line/load"] = (0.05 * scale, 0.015 * scale)
        return True

    # what happened

    def calls(self, model: str | None = None, method: str | None = None) -> list[dict[str, Any]]:
        """Return the calls, oldest first; see `journal.Entry`."""
        return self._stand_in.journal.entries(model, method)

    def counters(self) -> dict[str, int]:
        """Return how often what was called, and how it ended."""
        return self._stand_in.journal.counters()

    def overlaps(self) -> list[tuple[int, int]]:
        """Return the pairs of loads that ran at one time on one order."""
        return self._stand_in.journal.overlaps()

    def clear_calls(self) -> bool:
        """Forget calls and counters."""
        self._stand_in.journal.clear()
        return True
