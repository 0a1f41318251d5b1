"""Errors of calls to Odoo, grouped by what the caller should do about them.

::

    OdooError
    ├── TransientError             retry: the same call may succeed soon
    │   ├── SerializationFailure     two transactions conflicted (HTTP 500, or within a `load` with HTTP 200)
    │   ├── TooManyRequests          429; `after` has the number of seconds if Odoo sent one
    │   ├── GatewayError             502 or 503; result unknown
    │   ├── ReadTimeout              no response in time; result unknown, Odoo may still be processing the call
    │   └── ConnectionLost           the connection ended before the response did; result unknown
    ├── OdooUnavailable            open the circuit breaker: one probe at a time until Odoo is back
    │   ├── ConnectError             the connection was refused, or the name does not resolve
    │   └── DatabaseUnavailable      Odoo responds, its PostgreSQL does not
    ├── PermanentError             fail the line: a retry can't help, an operator has to fix something
    │   ├── OrderLocked              the order is locked
    │   ├── OrderRenewed             the order is locked because another order renewed it
    │   ├── OrderCancelled           the order is cancelled
    │   ├── RecordNotFound           an order, product or line does not exist
    │   ├── AccessDenied             the user of the key may not access this record
    │   ├── ValidationFailed         UserError, ValidationError, or an invalid value in `load`
    │   ├── LineMismatch             the line was written but reads back differently
    │   │   └── TaxMismatch, DiscountMismatch, RoundingMismatch, ProductMismatch, OrderMismatch
    │   ├── NothingToInvoice         the line was written, but Odoo would not invoice it
    │   ├── LineInvoiced             the line is already invoiced, so a change would bill nothing
    │   └── InvalidCall              a wrong field, type, model or method: any Python error
    └── ConfigurationError         alert at once: no call can succeed until the configuration is fixed
        ├── KeyRejected              the key is missing, wrong, expired or revoked
        ├── WrongDatabase            the database does not exist at this address
        ├── WrongAddress             the server at this address is not Odoo, or redirects
        ├── MissingAccessRights      the user sees no records at all, or may not access the model
        └── SubscriptionsNotInstalled  sales orders have no subscription fields

If `unknown` is set, Odoo may have carried out the call. Repeat the same `load` (its external ID makes that
safe) and read the lines back. Messages are Odoo's own first sentences; its `debug` (a full traceback) is
dropped where a response is read and never reaches an exception.
"""

from typing import ClassVar

from fusion_billing.errors import FusionError

_MAX_LENGTH = 500


class OdooError(FusionError):
    """Base of all errors of calls to Odoo.

    Attributes:
        name: What the error was classified by: the Python name of Odoo's error, or a word of this service.
        unknown: Whether Odoo may have carried out the call although it failed here.
    """

    code = "odoo_error"
    unknown: ClassVar[bool] = False

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message.strip()[:_MAX_LENGTH] or name or self.code)
        self.name = name


class TransientError(OdooError):
    """The same call may succeed soon."""

    code = "odoo_retry"


class SerializationFailure(TransientError):
    """Two transactions changed the same record, and PostgreSQL rolled this one back."""

    code = "serialization_failure"


class TooManyRequests(TransientError):
    """Odoo or a proxy in front of it asked to wait for `after` seconds (None: no number was sent)."""

    code = "too_many_requests"

    def __init__(self, message: str, *, name: str = "", after: int | None = None) -> None:
        super().__init__(message, name=name)
        self.after = after


class GatewayError(TransientError):
    """502 or 503: the gateway got no response; whether Odoo carried out the call is unknown."""

    code = "gateway_failed"
    unknown = True


class ReadTimeout(TransientError):
    """No response in time (or a 504); Odoo may still be processing the call."""

    code = "timed_out"
    unknown = True


class ConnectionLost(TransientError):
    """The connection ended before the response did; whether Odoo carried out the call is unknown."""

    code = "connection_lost"
    unknown = True


class OdooUnavailable(OdooError):
    """Odoo can't be reached; nothing was carried out."""

    code = "odoo_wait"


class ConnectError(OdooUnavailable):
    """The connection was refused or could not be established: nothing was sent."""

    code = "odoo_down"


class DatabaseUnavailable(OdooUnavailable):
    """Odoo responds but its PostgreSQL does not: nothing was carried out."""

    code = "odoo_database_down"


class PermanentError(OdooError):
    """A retry can't help; an operator has to fix something."""

    code = "odoo_refused"


class OrderLocked(PermanentError):
    """The order is locked, so its lines can't change."""

    code = "order_locked"


class OrderRenewed(PermanentError):
    """The order is locked because another order renewed it; Odoo no longer invoices it on schedule."""

    code = "order_renewed"


class OrderCancelled(PermanentError):
    """The order is cancelled; Odoo accepts lines on it but never invoices them."""

    code = "order_cancelled"


class RecordNotFound(PermanentError):
    """An order, product or line does not exist, or is not visible to the user of the key."""

    code = "record_missing"


class AccessDenied(PermanentError):
    """The user of the key may not access this record."""

    code = "access_refused"


class ValidationFailed(PermanentError):
    """Odoo rejected the change by a rule: UserError, ValidationError, or an invalid value in `load`."""

    code = "odoo_rejected"


class LineMismatch(PermanentError):
    """The line reads back differently from what was written."""

    code = "subtotal_differs"


class TaxMismatch(LineMismatch):
    """The price includes a tax that it should not include, or the reverse."""

    code = "tax_differs"


class DiscountMismatch(LineMismatch):
    """Odoo applied a discount."""

    code = "discount_differs"


class RoundingMismatch(LineMismatch):
    """Odoo stores the quantity or the price with fewer digits."""

    code = "rounding_differs"


class ProductMismatch(LineMismatch):
    """The line has another product."""

    code = "product_differs"


class OrderMismatch(LineMismatch):
    """The line is on another order."""

    code = "order_differs"


class NothingToInvoice(PermanentError):
    """Odoo stores the line but would invoice none of it, usually because of the product's invoicing policy."""

    code = "nothing_to_invoice"


class LineInvoiced(PermanentError):
    """The line is already on an invoice; a change to it may never be billed."""

    code = "line_invoiced"


class InvalidCall(PermanentError):
    """A wrong field, type, model, method or argument: a bug of this service or an unusual database."""

    code = "odoo_permanent"


class ConfigurationError(OdooError):
    """No call can succeed until an operator fixes the configuration."""

    code = "odoo_alarm"


class KeyRejected(ConfigurationError):
    """Odoo accepts none of the keys: unknown, expired or revoked, or their user is archived."""

    code = "odoo_key_rejected"


class WrongDatabase(ConfigurationError):
    """The database does not exist at this address."""

    code = "odoo_wrong_database"


class WrongAddress(ConfigurationError):
    """The server at this address is not Odoo, or redirects elsewhere."""

    code = "odoo_misaddressed"


class MissingAccessRights(ConfigurationError):
    """Odoo accepts the key, but its user may not see the records that are needed."""

    code = "odoo_no_rights"


class SubscriptionsNotInstalled(ConfigurationError):
    """Sales orders have no subscription fields: `sale_subscription` is not installed."""

    code = "odoo_no_subscriptions"
