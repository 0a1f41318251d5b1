"""Users, their groups and their API keys."""

import hashlib
from datetime import datetime
from typing import Any, ClassVar

from local.odoo import access, fields
from local.odoo.environment import Environment
from local.odoo.orm import Model, api_model, api_records
from local.odoo.state import Record, State


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
        """Say whether the user (the caller, where no id is given) is in a group."""
        asked = ids[0] if ids else self.env.uid
        return group_ext_id in Environment(self.env.state, asked, self.env.clock).groups

    @api_model
    def has_groups(self, group_spec: str) -> bool:
        """Say whether the caller is in one of the groups named, separated by commas."""
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
