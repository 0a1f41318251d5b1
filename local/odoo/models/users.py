"""Users, their groups and their API keys."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from local.odoo import access, fields
from local.odoo.environment import Environment
from local.odoo.errors import AccessDenied, UserError, ValidationError
from local.odoo.orm import Model, api_model, api_records
from local.odoo.state import Record, State

LOCKING = "sale.group_auto_done_setting"
PROGRAMMATIC_KEYS = "base.enable_programmatic_api_keys"
MOST_DAYS = 90
"""How long a key of a user who is no administrator may live."""


def digest_of(key: str) -> str:
    """Return what is stored of an API key."""
    return hashlib.sha256(key.encode()).hexdigest()


def user_of_key(state: State, key: str, now: datetime) -> int | None:
    """Return the id of the active user a live key belongs to, or None."""
    moment = now.strftime(f"{fields.DATETIME_FORMAT}.%f")
    for record_id in state.matching("res.users.apikeys", "digest", digest_of(key)):
        record = state.get("res.users.apikeys", record_id) or {}
        user = state.get("res.users", record.get("user_id", 0)) or {}
        expires = record.get("expiration_date")
        if user.get("active") and (expires is None or expires > moment):
            return int(user["id"])
    return None


class Users(Model):
    """Who may log in, and in which groups."""

    name = "res.users"
    description = "User"
    order = "name, login"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Name", required=True),
        "login": fields.char("Login", required=True),
        "active": fields.boolean("Active"),
        "partner_id": fields.many2one("Related Partner", "res.partner"),
        "company_id": fields.many2one("Company", "res.company"),
        "lang": fields.char("Language"),
        "tz": fields.char("Timezone"),
        "group_ids": fields.Field(kind="many2many", string="Groups", hidden=True),
        "password": fields.char("Password", hidden=True),
    }

    def _defaults(self, _values: Record) -> Record:
        return {"active": True, "company_id": 1, "lang": "en_US"}

    @api_model
    def context_get(self) -> dict[str, Any]:
        """Return the caller's language, time zone and id."""
        user = self.env.state.get(self.name, self.env.uid) or {}
        return {"lang": user.get("lang") or "en_US", "tz": user.get("tz") or False, "uid": self.env.uid}

    @api_records
    def has_group(self, ids: list[int], group_ext_id: str) -> bool:
        """Return whether the user (the caller, where no id is given) is in a group."""
        requested = ids[0] if ids else self.env.uid
        if group_ext_id == LOCKING:
            return bool(self.env.state.setting("lock_confirmed_orders"))
        return group_ext_id in Environment(self.env.state, requested, self.env.clock).groups

    @api_model
    def has_groups(self, group_spec: str) -> bool:
        """Return whether the caller is in one of the groups named, separated by commas."""
        return any(group.strip() in self.env.groups for group in group_spec.split(","))


class ApiKeys(Model):
    """API keys: a user sees her own, without the key itself."""

    name = "res.users.apikeys"
    description = "Users API Keys"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Description", required=True),
        "user_id": fields.many2one("User", "res.users", required=True),
        "scope": fields.char("Scope"),
        "expiration_date": fields.moment("Expiration Date"),
        "digest": fields.char("Key", hidden=True),
    }

    def _visible(self, record_id: int) -> bool:
        everything = self.env.superuser or access.SYSTEM in self.env.groups
        return everything or self.record(record_id)["user_id"] == self.env.uid

    @api_model
    def generate(self, key: str, scope: str | None, name: str, expiration_date: str | None) -> str:
        """Make a key for the caller, who shows one of hers, and return it: once, and never again."""
        self._allow(key)
        made = secrets.token_hex(20)
        expires = self.env.clock() + timedelta(days=MOST_DAYS)
        if expiration_date is None or not expiration_date <= expires.date().isoformat():
            raise ValidationError(f"You cannot exceed {MOST_DAYS:.2f} days.")
        values: Record = {"name": name, "user_id": self.env.uid, "scope": scope, "digest": digest_of(made)}
        values["expiration_date"] = f"{expiration_date} 00:00:00"
        self._insert(self.env.state.next_id(self.name), values)
        return made

    @api_model
    def revoke(self, key: str) -> None:
        """Take a key of the caller's away."""
        self._allow(key)
        self.env.sudo()[self.name].unlink(self._of_caller(key))

    def _of_caller(self, key: str) -> list[int]:
        found = self.env.state.matching(self.name, "digest", digest_of(key))
        return [i for i in found if self.record(i)["user_id"] == self.env.uid]

    def _allow(self, key: str) -> None:
        parameters = self.env.state.table("ir.config_parameter").values()
        settings = {parameter["key"]: parameter["value"] for parameter in parameters}
        if settings.get(PROGRAMMATIC_KEYS) != "True" and access.SYSTEM not in self.env.groups:
            raise UserError("Programmatic API keys are not enabled")
        if not self._of_caller(key):
            raise AccessDenied
