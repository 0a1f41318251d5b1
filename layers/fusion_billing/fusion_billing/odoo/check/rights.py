"""Check the access rights of the API user."""

from collections.abc import Iterator

from fusion_billing.odoo.check.finding import SALES, Finding
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import MissingAccessRights, OdooError

_ALL_DOCUMENTS = "sales_team.group_sale_salesman_all_leads"


def rights(odoo: Odoo) -> Iterator[Finding]:
    """Check the rights to read orders and to write lines."""
    for model, operations in (("sale.order", ("read",)), ("sale.order.line", ("read", "create", "write"))):
        for operation in operations:
            if _may(odoo, model, operation) is False:
                yield Finding("error", f"The API user may not {operation} {model}", SALES)
                return
    if in_group(odoo, _ALL_DOCUMENTS) is False:
        yield Finding(
            "error",
            "The API user sees only its own sales orders; Odoo leaves out the others without an error",
            SALES,
        )
    elif not odoo.search_read("sale.order", [], ["id"], limit=1):
        yield Finding(
            "error",
            "The API user sees no sales orders: there are none, or it may see only its own or those of another company",
            f"{SALES} and the companies that bill, or make the first order",
        )
    else:
        yield Finding("ok", "The API user may read orders and write lines")


def _may(odoo: Odoo, model: str, operation: str) -> bool | None:
    """Return whether the user has the right; None if this Odoo does not report it."""
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
    """Return whether the API user is in a group; None if this Odoo does not report it."""
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
