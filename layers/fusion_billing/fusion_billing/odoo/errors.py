"""What can go wrong with Odoo, told apart by what is to be done about it.

::

    OdooError
    ├── Retry                    the same call may succeed soon
    │   ├── SerializationFailure   two transactions met (HTTP 500, or inside `load` with HTTP 200)
    │   ├── TooManyRequests        429; `after` says how long to wait, where Odoo said so
    │   ├── GatewayFailed          502, 503: the outcome is unknown
    │   ├── TimedOut               the outcome is unknown, and Odoo may still be at work on it
    │   └── ConnectionLost         the outcome is unknown
    ├── Wait                     Odoo is not there: one probe at a time until it is
    │   ├── Down                   the connection was refused, or the name does not resolve
    │   └── DatabaseDown           Odoo is there, its PostgreSQL is not
    ├── Park                     repeating can't help: somebody has to mend it
    │   ├── Locked                 the order is locked
    │   ├── Renewed                the order is locked, and another order renewed it
    │   ├── Cancelled              the order is cancelled
    │   ├── Missing                an order, product or line that is not there
    │   ├── AccessRefused          this record is closed to the key's user
    │   ├── Rejected               a UserError or ValidationError
    │   ├── Differs                it was written, and reads back as something else: by its tax, discount,
    │   │                          rounding, product or order
    │   ├── NothingToInvoice       it was written, and Odoo would not invoice it
    │   ├── Invoiced               the line is on an invoice already, so changing it bills nothing
    │   └── Permanent              a wrong field, type, model or method: any Python error
    └── Alarm                    nothing can succeed: somebody has to come at once
        ├── KeyRejected            no key, a wrong, an expired or a revoked one
        ├── WrongDatabase          no such database behind this address
        ├── Misaddressed           what answers there is no Odoo, or sends us elsewhere
        ├── NoRights               every search is empty, or the model is closed to the user
        └── NoSubscriptions        sales orders are no subscriptions here: Subscriptions is not installed

An outcome that is `unknown` is settled by repeating the same `load` (its external id makes that safe) and
reading the lines back. Messages are Odoo's own first sentences; its `debug` (a full traceback)
is dropped where an answer is read and never gets as far as an exception.
"""

from typing import ClassVar

from fusion_billing.errors import FusionError

_LONGEST = 500


class OdooError(FusionError):
    """Anything that Odoo, or the way to it, did not do.

    `name` is what it was classified by (the Python name of Odoo's error, or a word of ours).
    """

    code = "odoo_error"
    unknown: ClassVar[bool] = False
    """True where Odoo may have done what was asked all the same."""

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message.strip()[:_LONGEST] or name or self.code)
        self.name = name


class Retry(OdooError):
    """The same call may succeed soon."""

    code = "odoo_retry"


class SerializationFailure(Retry):
    """Two transactions met on one record; PostgreSQL undid ours."""

    code = "serialization_failure"


class TooManyRequests(Retry):
    """Odoo, or what stands before it, asks for a pause of `after` seconds (None: it did not say)."""

    code = "too_many_requests"

    def __init__(self, message: str, *, name: str = "", after: int | None = None) -> None:
        super().__init__(message, name=name)
        self.after = after


class GatewayFailed(Retry):
    """502 or 503: the gateway got no answer; whether Odoo did the work is unknown."""

    code = "gateway_failed"
    unknown = True


class TimedOut(Retry):
    """No answer in time (504 too); Odoo may still be at work on the call."""

    code = "timed_out"
    unknown = True


class ConnectionLost(Retry):
    """The connection ended before the answer did; whether Odoo did the work is unknown."""

    code = "connection_lost"
    unknown = True


class Wait(OdooError):
    """Odoo is not there."""

    code = "odoo_wait"


class Down(Wait):
    """The connection was refused or could not be made: nothing was sent."""

    code = "odoo_down"


class DatabaseDown(Wait):
    """Odoo answers, and its PostgreSQL does not: nothing was carried out."""

    code = "odoo_database_down"


class Park(OdooError):
    """Repeating can't help: somebody has to mend it."""

    code = "odoo_refused"


class Locked(Park):
    """The order is locked, so its lines can't change."""

    code = "order_locked"


class Renewed(Park):
    """The order is locked since another one renewed it: Odoo invoices nothing of it by itself any more."""

    code = "order_renewed"


class Cancelled(Park):
    """The order is cancelled: what is put there is never invoiced, though Odoo takes it."""

    code = "order_cancelled"


class Missing(Park):
    """An order, a product or a line that is not there (or not for this user to see)."""

    code = "record_missing"


class AccessRefused(Park):
    """The rights of the key's user do not reach this record."""

    code = "access_refused"


class Rejected(Park):
    """A rule of Odoo's speaks against it: UserError, ValidationError, a bad value in `load`."""

    code = "odoo_rejected"


class Differs(Park):
    """What reads back is not what was written: another subtotal, another order."""

    code = "subtotal_differs"


class TaxDiffers(Differs):
    """A tax that is included in the price, or is not, where it should."""

    code = "tax_differs"


class DiscountDiffers(Differs):
    """A discount is taken off."""

    code = "discount_differs"


class RoundingDiffers(Differs):
    """Odoo keeps the quantity or the price to fewer digits."""

    code = "rounding_differs"


class ProductDiffers(Differs):
    """The line is one of another product."""

    code = "product_differs"


class OrderDiffers(Differs):
    """The line is on another order."""

    code = "order_differs"


class NothingToInvoice(Park):
    """Odoo holds the line, and has nothing to invoice of it: the product's invoicing policy, most likely."""

    code = "nothing_to_invoice"


class Invoiced(Park):
    """Odoo has the line on an invoice already: what changes on it now may never be billed."""

    code = "line_invoiced"


class Permanent(Park):
    """A wrong field, type, model, method or argument: a fault of ours or of the database's set-up."""

    code = "odoo_permanent"


class Alarm(OdooError):
    """Nothing can succeed until somebody has come."""

    code = "odoo_alarm"


class KeyRejected(Alarm):
    """None of the keys is accepted: unknown, expired, revoked, or their user is archived."""

    code = "odoo_key_rejected"


class WrongDatabase(Alarm):
    """There is no such database behind this address."""

    code = "odoo_wrong_database"


class Misaddressed(Alarm):
    """What answers at this address is no Odoo, or sends the caller elsewhere."""

    code = "odoo_misaddressed"


class NoRights(Alarm):
    """The key is good, and its user may see nothing of what is needed."""

    code = "odoo_no_rights"


class NoSubscriptions(Alarm):
    """Sales orders have no fields of subscriptions here: `sale_subscription` is not installed."""

    code = "odoo_no_subscriptions"
