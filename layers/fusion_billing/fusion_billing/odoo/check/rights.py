"""Whether the key's user may do what the service does."""

from collections.abc import Iterator

from fusion_billing.odoo.check.finding import SALES, Finding
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import MissingAccessRights, OdooError

_ALL_DOCUMENTS = "sales_team.group_sale_salesman_all_leads"


def rights(odoo: Odoo) -> Iterator[Finding]:
    """Yield what is found of the rights to read orders and to write lines."""
    for model, operations in (("sale.order", ("read",)), ("sale.order.line", ("read", "create", "write"))):
        for operation in operations:
            if _may(odoo, model, operation) is False:
                yield Finding("wrong", f"The key's user may not {operation} {model}", SALES)
                return
    if in_group(odoo, _ALL_DOCUMENTS) is False:
        yield Finding(
            "wrong",
            "The key's user sees its own sales orders only; Odoo leaves out the others without a word",
            SALES,
        )
    elif not odoo.search_read("sale.order", [], ["id"], limit=1):
        yield Finding(
            "wrong",
            "The key's user sees no sales order: there is none, or it may see only its own, "
            "or those of another company",
            f"{SALES} and the companies that bill, or make the first order",
        )
    else:
        yield Finding("well", "The key's user may read orders and write lines")


def _may(odoo: Odoo, model: str, operation: str) -> bool | None:
    """Tell whether the user may, or None where this Odoo does not say."""
    for method, arguments in (
        ("has_access", {"ids": [], "operation": operation}),
        ("check_access_rights", {"operation": operation, "raise_exception": False}),
    ):
        try:
            return bool(odoo.call(model, method, **arguments))
        except MissingAccessRights:
            return False
        except OdooError:
            continue
    return None


def in_group(odoo: Odoo, group: str) -> bool | None:
    """Tell whether the key's user is in a group, or None where this Odoo does not say."""
    try:
        user = odoo.call("res.users", "context_get")["uid"]
    except (OdooError, KeyError, TypeError):
        return None
    for arguments in ({"ids": [user], "group_ext_id": group}, {"group_ext_id": group}):
        try:
            return bool(odoo.call("res.users", "has_group", **arguments))
        except OdooError:
            continue
    return None
