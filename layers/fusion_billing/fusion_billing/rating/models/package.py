"""Package: units are sold by the package; one begun is due whole, unless packages are rounded down."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from fusion_billing.decimals import EXACT, plain
from fusion_billing.definitions.price_models import Package
from fusion_billing.rating.models.usage import Usage
from fusion_billing.rating.rated import Step

_WHOLE = Decimal(1)


def price(model: Package, usage: Usage) -> list[Step]:
    """Return the one step: packages times the package amount."""
    rounding = ROUND_CEILING if model.rounding == "up" else ROUND_FLOOR
    packages = (usage.billable / model.package_size).quantize(_WHOLE, rounding=rounding, context=EXACT)
    words = (
        f"{plain(usage.billable)} units are {plain(packages)} packages of {plain(model.package_size)} "
        f"(rounded {model.rounding}) at {plain(model.package_amount)} each"
    )
    return [Step(words, packages, model.package_amount, packages * model.package_amount)]
