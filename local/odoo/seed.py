"""What every database starts with: a company, currencies, a unit, precisions, the administrator."""

from decimal import Decimal
from typing import Any

from local.odoo import access
from local.odoo.engine import StandIn
from local.odoo.environment import SUPERUSER

ROLES = {
    "admin": [access.SYSTEM, access.SALES_MANAGER, access.INVOICING],
    "all_documents": [access.ALL_DOCUMENTS],
    "own_documents": [access.SALESMAN],
    "no_sales": [access.INTERNAL],
}
"""What a user may be: administrator, salesperson with all documents or only her own, neither."""

CURRENCIES = (
    ("USD", "$", "0.01"),
    ("EUR", "€", "0.01"),
    ("GBP", "£", "0.01"),
    ("CHF", "CHF", "0.01"),
    ("CAD", "$", "0.01"),
    ("JPY", "¥", "1"),
    ("KRW", "₩", "1"),
    ("BHD", "BD", "0.001"),
    ("KWD", "KD", "0.001"),
)
PRECISIONS = [
    {"id": 1, "name": "Product Price", "digits": 2},
    {"id": 2, "name": "Discount", "digits": 2},
]
BASE: dict[str, list[dict[str, Any]]] = {
    "res.currency": [
        {"id": number, "name": name, "symbol": symbol, "rounding": Decimal(rounding)}
        for number, (name, symbol, rounding) in enumerate(CURRENCIES, 1)
    ],
    "res.lang": [
        {"id": 1, "name": "English (US)", "code": "en_US", "active": True},
        {"id": 2, "name": "German / Deutsch", "code": "de_DE", "active": True},
        {"id": 3, "name": "French / Français", "code": "fr_FR", "active": True},
    ],
    "uom.uom": [{"id": 1, "name": "Units", "rounding": Decimal("0.01")}],
    "res.partner": [
        {"id": 1, "name": "My Company", "tz": "UTC"},
        {"id": 2, "name": "OdooBot"},
        {"id": 3, "name": "Administrator"},
    ],
    "res.company": [{"id": 1, "name": "My Company", "partner_id": 1, "currency_id": 1}],
    "account.journal": [{"id": 1, "name": "Customer Invoices", "code": "INV", "type": "sale", "company_id": 1}],
    "res.users": [
        {"id": SUPERUSER, "name": "OdooBot", "login": "__system__", "active": False, "partner_id": 2},
        {"id": 2, "name": "Administrator", "login": "admin", "partner_id": 3, "group_ids": ROLES["admin"]},
    ],
}


def ensure_base(stand_in: StandIn) -> None:
    """Put in what every database starts with, into an empty one."""
    if not stand_in.state.setting("based"):
        with stand_in.state.transaction():
            unit = "Product Unit" if stand_in.series == "19.0" else "Product Unit of Measure"
            insert(stand_in, {**BASE, "decimal.precision": [*PRECISIONS, {"id": 3, "name": unit, "digits": 2}]})
            stand_in.state.set("based", True)  # noqa: FBT003


def insert(stand_in: StandIn, records: dict[str, list[dict[str, Any]]]) -> dict[str, list[int]]:
    """Create records, under the ids given where they are; return the ids by model.

    Call it inside `state.transaction()`.
    """
    env = stand_in.environment(SUPERUSER, sudo=True)
    ids: dict[str, list[int]] = {}
    for name, rows in records.items():
        model = env[name]
        ids[name] = [model.insert(row) for row in rows]
    return ids
