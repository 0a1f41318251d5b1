"""Check that lines of the products of charges are invoiced, with the right amount."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusion_billing.catalog.charge import Charge
from fusion_billing.odoo.check.finding import Finding
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import PermanentError
from fusion_billing.odoo.orders import many2one
from fusion_billing.odoo.taxes import TaxReader

_FIELDS = (
    "active",
    "sale_ok",
    "type",
    "service_tracking",
    "service_type",
    "invoice_policy",
    "recurring_invoice",
    "taxes_id",
    "company_id",
    "list_price",
)
_POLICIES = {"order": "ordered quantities", "delivery": "delivered quantities"}
_COMPUTED = ("percent", "division", "fixed")


@dataclass(frozen=True, slots=True)
class ChargedProduct:
    """A product, the charges that bill by it, and whether an amount of theirs includes taxes."""

    id: int
    charges: tuple[str, ...] = ()
    inclusive: bool = False

    @property
    def why(self) -> str:
        """Return the charges of the product in parentheses, to end a finding with; empty if there are none."""
        return f" (charge {', '.join(self.charges)})" if self.charges else ""


def charged_products(charges: Mapping[str, Sequence[Charge]]) -> list[ChargedProduct]:
    """Return the products of all active charges, of versions that are valid later too."""
    found: dict[tuple[int, bool], set[str]] = {}
    for code, versions in charges.items():
        for version in versions:
            if version.active:
                key = version.odoo_product_id, version.tax_behavior == "inclusive"
                found.setdefault(key, set()).add(code)
    return [
        ChargedProduct(product, tuple(sorted(codes)), inclusive)
        for (product, inclusive), codes in sorted(found.items())
    ]


def product_findings(odoo: Odoo, looked_at: ChargedProduct) -> Iterator[Finding]:
    """Yield what is found of one product: what is wrong by name, else all that was looked at in one line."""
    about = odoo.fields("product.product", _FIELDS)
    row = _read(odoo, looked_at.id, sorted(about))
    if row is None:
        yield Finding(
            "error",
            f"Product {looked_at.id} does not exist{looked_at.why}",
            "Use the ID of the product variant (product.product)",
        )
        return
    name = f"the product {row['display_name']}"
    findings = [
        *_state_faults(row, name),
        *_kind_faults(odoo, row, name),
        *_company_faults(odoo, row, name),
        *_tax_findings(odoo, row, name, inclusive=looked_at.inclusive),
    ]
    yield from findings
    if not any(finding.level == "error" for finding in findings):
        yield Finding("ok", f"T{name[1:]}{looked_at.why} can be billed: {_describe(row)}")


def _read(odoo: Odoo, product_id: int, fields: Sequence[str]) -> dict[str, Any] | None:
    rows = odoo.call(
        "product.product",
        "search_read",
        domain=[["id", "=", product_id]],
        fields=["display_name", *fields],
        context={"active_test": False},
    )
    return rows[0] if rows else None


def _describe(row: Mapping[str, Any]) -> str:
    policy = str(row.get("invoice_policy") or "order")
    company = many2one(row.get("company_id"))
    parts = [
        str(row.get("type") or "service"),
        f"tracking {row.get('service_tracking') or 'no'}",
        _POLICIES.get(policy, policy),
        f"{len(row.get('taxes_id') or ())} taxes",
        f"company {company[1]}" if company else "any company",
        f"list price {row.get('list_price') or 0}",
    ]
    return ", ".join(parts)


def _state_faults(row: Mapping[str, Any], name: str) -> Iterable[Finding]:
    faults = (
        (not row.get("active", True), "is archived", f"Unarchive {name} (Action, Unarchive)"),
        (not row.get("sale_ok", True), "can't be sold", f"Tick 'Sales' on {name}"),
        (
            bool(row.get("recurring_invoice")),
            "is a subscription product: each line would be billed again every period",
            f"Use a product that is not recurring instead of {name}",
        ),
    )
    return [Finding("error", f"T{name[1:]} {text}", advice) for bad, text, advice in faults if bad]


def _kind_faults(odoo: Odoo, row: Mapping[str, Any], name: str) -> Iterator[Finding]:
    kind, tracking = row.get("type") or "service", row.get("service_tracking") or "no"
    delivered = row.get("invoice_policy") == "delivery"
    if kind == "combo":
        yield Finding(
            "error",
            f"T{name[1:]} is a combo: its own line has no price; its components are billed instead",
            f"Use a product of the type Service instead of {name}",
        )
    elif kind != "service":
        moves_stock = bool(odoo.fields("sale.order", ["picking_ids"]))
        yield Finding(
            "error" if moves_stock or delivered else "warning",
            f"T{name[1:]} is of the type {kind}: with Inventory, each line creates a delivery",
            f"Set the type of {name} to Service, or use another product",
        )
    if tracking != "no":
        yield Finding(
            "error",
            f"T{name[1:]} creates a project or task for each line (tracking {tracking})",
            f"Set 'Create on Order' of {name} to Nothing",
        )
    if delivered and kind == "service" and row.get("service_type") not in (None, False, "manual"):
        yield Finding(
            "error",
            f"T{name[1:]} is invoiced by what {row['service_type']} delivers, so never",
            f"Set the invoicing policy of {name} to 'Ordered quantities' (Prepaid)",
        )
    elif delivered:
        yield Finding(
            "warning",
            f"T{name[1:]} is invoiced by delivered quantities: they are written with each line",
            f"Set the invoicing policy of {name} to 'Ordered quantities'",
        )


def _company_faults(odoo: Odoo, row: Mapping[str, Any], name: str) -> Iterator[Finding]:
    company = many2one(row.get("company_id"))
    if company is None:
        return
    domain: list[Any] = [["company_id", "!=", company[0]], ["state", "=", "sale"]]
    if "is_subscription" in odoo.fields("sale.order", ["is_subscription"]):
        domain.append(["is_subscription", "=", True])
    others = odoo.search_read("sale.order", domain, ["company_id"], limit=1)
    if others:
        other = many2one(others[0].get("company_id"))
        yield Finding(
            "error",
            f"T{name[1:]} belongs to {company[1]} only, but {other[1] if other else 'another company'} has orders",
            f"Clear the company of {name}, or create a charge with its own product for each company",
        )


def _tax_findings(odoo: Odoo, row: Mapping[str, Any], name: str, *, inclusive: bool) -> Iterator[Finding]:
    try:
        taxes = TaxReader(odoo).rows(row.get("taxes_id") or (), lambda: odoo.seconds)
    except PermanentError:
        yield Finding("warning", f"The taxes of {name} could not be read", "Let the API user read account.tax")
        return
    names = {tax["id"]: str(tax.get("name")) for tax in taxes}
    for tax in taxes:
        if tax.get("amount_type") not in _COMPUTED:
            yield Finding(
                "error",
                f"The tax {names[tax['id']]} of {name} is computed by {tax.get('amount_type')}",
                f"Give {name} taxes that are percentages or fixed amounts",
            )
    included = [names[tax["id"]] for tax in taxes if tax.get("price_include")]
    on_top = [names[tax["id"]] for tax in taxes if not tax.get("price_include")]
    if included and not inclusive:
        yield Finding(
            "warning",
            f"T{name[1:]} has taxes that its price includes ({', '.join(included)}): prices are "
            "written higher, so that the subtotal is the amount",
            f"Give {name} taxes that come on top, or its charge the tax_behavior inclusive",
        )
    if on_top and inclusive:
        yield Finding(
            "warning",
            f"T{name[1:]} has taxes that come on top ({', '.join(on_top)}), and its charge's amounts include "
            "them: some totals can't be reached to the cent, and such a line fails",
            f"Give {name} taxes that its price includes",
        )
