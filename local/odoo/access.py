"""Who may do what: groups, access rights by model, the record rules of salespeople."""

from collections.abc import Iterable
from typing import Any

from local.odoo.errors import AccessError

SALESMAN = "sales_team.group_sale_salesman"
ALL_DOCUMENTS = "sales_team.group_sale_salesman_all_leads"
SALES_MANAGER = "sales_team.group_sale_manager"
SYSTEM = "base.group_system"
INTERNAL = "base.group_user"
INVOICING = "account.group_account_invoice"

IMPLIED = {
    SALES_MANAGER: (ALL_DOCUMENTS,),
    ALL_DOCUMENTS: (SALESMAN,),
    SALESMAN: (INTERNAL,),
    INVOICING: (INTERNAL,),
    SYSTEM: (INTERNAL,),
}
LABELS = {
    INVOICING: "Accounting/Invoicing",
    SALES_MANAGER: "Sales/Administrator",
    SALESMAN: "Sales/User: Own Documents Only",
    ALL_DOCUMENTS: "Sales/User: All Documents",
    "base.group_portal": "Role / Portal",
    "account.group_account_readonly": "Show Accounting Features - Readonly",
    "account.group_account_user": "Show Full Accounting Features",
    SYSTEM: "Administration/Settings",
    INTERNAL: "Role / User",
}
VERBS = {"read": "access", "write": "modify", "create": "create", "unlink": "delete"}

_ACCOUNTING = (INVOICING, SALESMAN, "base.group_portal")
_READONLY_ACCOUNTING = ("account.group_account_readonly", "account.group_account_user")
_SALES: dict[str, tuple[str, ...]] = {
    "read": (*_ACCOUNTING, *_READONLY_ACCOUNTING),
    "write": (SALESMAN,),
    "create": (SALESMAN,),
    "unlink": (SALESMAN,),
}
_SETTINGS: dict[str, tuple[str, ...]] = {
    "read": (INTERNAL,),
    "write": (SYSTEM,),
    "create": (SYSTEM,),
    "unlink": (SYSTEM,),
}
_CATALOG: dict[str, tuple[str, ...]] = {
    "read": (INTERNAL,),
    "write": (SALES_MANAGER,),
    "create": (SALES_MANAGER,),
    "unlink": (SALES_MANAGER,),
}

RIGHTS: dict[str, dict[str, tuple[str, ...]]] = {
    "sale.order": {
        **_SALES,
        "read": (INVOICING, SALES_MANAGER, SALESMAN, "base.group_portal", *_READONLY_ACCOUNTING),
        "unlink": (SALES_MANAGER,),
    },
    "sale.order.line": _SALES,
    "sale.advance.payment.inv": {**_SALES, "read": (SALESMAN,)},
    "account.move": {
        "read": (INVOICING, SALESMAN),
        "write": (INVOICING,),
        "create": (INVOICING,),
        "unlink": (INVOICING,),
    },
    "account.move.line": {
        "read": (INVOICING, SALESMAN),
        "write": (INVOICING,),
        "create": (INVOICING,),
        "unlink": (INVOICING,),
    },
    "account.move.reversal": {
        "read": (INVOICING,),
        "write": (INVOICING,),
        "create": (INVOICING,),
        "unlink": (INVOICING,),
    },
    "account.journal": {**_SETTINGS, "read": (SALESMAN, INVOICING)},
    "account.tax": {**_SETTINGS, "read": (INTERNAL,)},
    "product.pricelist": _CATALOG,
    "sale.subscription.plan": {**_CATALOG, "read": (SALESMAN,)},
    "product.product": _CATALOG,
    "res.partner": {**_CATALOG, "write": (SALESMAN,), "create": (SALESMAN,)},
    "mail.message": _SETTINGS,
    "ir.model.data": {**_SETTINGS, "read": (SYSTEM,)},
}
OWN_RECORDS = ("sale.order", "sale.order.line")
"""The models whose records a salesperson with "own documents only" sees by salesperson."""


def closure(groups: Iterable[str]) -> frozenset[str]:
    """Return `groups` and every group they imply."""
    found: set[str] = set()
    waiting = list(groups)
    while waiting:
        group = waiting.pop()
        if group not in found:
            found.add(group)
            waiting.extend(IMPLIED.get(group, ()))
    return frozenset(found)


def permitted(groups: frozenset[str], model: str, operation: str) -> bool:
    """Return whether a user in `groups` may do `operation` on `model` at all."""
    return not groups.isdisjoint(RIGHTS.get(model, _SETTINGS)[operation])


def check(groups: frozenset[str], model: str, description: str, operation: str) -> None:
    """Raise `AccessError`, in Odoo's words, where `permitted` says no."""
    if permitted(groups, model, operation):
        return
    allowed = RIGHTS.get(model, _SETTINGS)[operation]
    listed = "".join(f"\n\t- {LABELS[group]}" for group in allowed)
    reason = (
        f"This operation is allowed for the following groups:{listed}"
        if allowed
        else "No group currently allows this operation."
    )
    raise AccessError(
        f"You are not allowed to {VERBS[operation]} '{description}' ({model}) records.\n\n"
        f"{reason}\n\nContact your administrator to request access if necessary."
    )


def restricted(groups: frozenset[str], model: str) -> bool:
    """Return whether the record rule "own documents only" holds for these groups on this model."""
    return model in OWN_RECORDS and SALESMAN in groups and ALL_DOCUMENTS not in groups


def own(salesperson: Any, uid: int) -> bool:
    """Return whether a record of that salesperson (an id or None) is the user's own, or nobody's."""
    return salesperson is None or salesperson == uid


def rule_error(user: str, uid: int, model: str, description: str, operation: str) -> AccessError:
    """Build the error for a record that a record rule hides."""
    return AccessError(
        "Uh-oh! Looks like you have stumbled upon some top-secret records.\n\n"
        f"Sorry, {user} (id={uid}) doesn't have '{operation}' access to:\n- {description} ({model})\n\n"
        "If you really, really need access, perhaps you can win over your friendly administrator "
        "with a batch of freshly baked cookies."
    )
