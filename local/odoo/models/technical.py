"""Odoo's own housekeeping: external ids, decimal precision, languages, chatter."""

from typing import ClassVar

from local.odoo import fields
from local.odoo.orm import Model
from local.odoo.state import Record


class ExternalId(Model):
    """Which record an external id (`module.name`) names."""

    name = "ir.model.data"
    description = "Model Data"
    order = "module, model, name"
    columns: ClassVar[dict[str, fields.Field]] = {
        "module": fields.char("Module", required=True),
        "name": fields.char("External Identifier", required=True),
        "complete_name": fields.char("Complete ID", computed=True),
        "model": fields.char("Model Name", required=True),
        "res_id": fields.integer("Record ID"),
        "noupdate": fields.boolean("Non Updatable"),
    }

    def _compute_complete_name(self, record: Record) -> str:
        return f"{record['module']}.{record['name']}"

    def _compute_display_name(self, record: Record) -> str:
        return self._compute_complete_name(record)


class Precision(Model):
    """To how many decimals the fields of one purpose are rounded."""

    name = "decimal.precision"
    description = "Decimal Precision"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Usage", required=True),
        "digits": fields.integer("Digits"),
    }


class Parameter(Model):
    """A setting of the whole database, by name."""

    name = "ir.config_parameter"
    description = "System Parameter"
    rec_name = "key"
    columns: ClassVar[dict[str, fields.Field]] = {
        "key": fields.char("Key", required=True),
        "value": fields.char("Value", required=True),
    }


class Language(Model):
    """A language that may be installed."""

    name = "res.lang"
    description = "Languages"
    order = "name"
    columns: ClassVar[dict[str, fields.Field]] = {
        "name": fields.char("Name", required=True),
        "code": fields.char("Locale Code", required=True),
        "active": fields.boolean("Active"),
    }


class Message(Model):
    """One entry of a record's chatter."""

    name = "mail.message"
    description = "Message"
    order = "id desc"
    rec_name = "body"
    columns: ClassVar[dict[str, fields.Field]] = {
        "model": fields.char("Related Document Model"),
        "res_id": fields.integer("Related Document ID"),
        "body": fields.char("Contents"),
    }
