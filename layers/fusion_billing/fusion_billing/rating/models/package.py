"""Package: units are sold in packages. A started package is due in full, unless packages are rounded down."""

from decimal import Decimal

from fusion_billing.catalog.price_models import Package
from fusion_billing.decimals import ZERO, plain
from fusion_billing.rating.exact import Exact, in_words, quotient, rounded
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.phrases import counted, units
from fusion_billing.rating.result import Step


def price(model: Package, usage: Usage) -> list[Step]:
    """Return the one step: packages times the package amount."""
    packages = _packages(model, usage.billable)
    earlier = ZERO if usage.before is None else _packages(model, usage.before.billable)
    due = packages - earlier
    each = f"of {plain(model.package_size)} (rounded {model.rounding}) at {plain(model.package_amount)}"
    each = each if due == 1 else f"{each} each"
    if usage.before is None:
        verb = "is" if usage.billable == 1 else "are"
        words = f"{units(usage.billable)} {verb} {counted(due, 'package')} {each}"
    else:
        more = f"{in_words(due)} more {'package' if due == 1 else 'packages'}"
        words = f"{units(usage.own)} more, {units(usage.billable)} in all, need {more} {each}"
    return [Step(words, due, model.package_amount, due * model.package_amount)]


def _packages(model: Package, billable: Exact) -> Decimal:
    return rounded(quotient(billable, model.package_size), model.rounding, 0)
