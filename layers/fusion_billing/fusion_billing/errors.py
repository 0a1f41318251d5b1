"""Define every error that the service raises on purpose.

::

    FusionError
    ├── Refused            invalid input: has every `Fault` found, nothing was stored
    ├── Unauthenticated    no key, an unknown key, a revoked key
    ├── Forbidden          the key is valid, but its scopes or the limits of its source forbid it
    ├── NotFound           the resource does not exist (or is another source's)
    ├── Conflict           the request contradicts what is stored
    │   ├── InUse          the resource can't be deleted while others refer to it
    │   ├── VersionConflict  it was written by another request since it was read
    │   ├── OrderTaken     the order belongs to another subscription
    │   └── AliasTaken     the alias belongs to another subscription
    ├── TooManyRequests    the key sends more requests than it may: send it again later
    └── Unavailable        nothing was done: send the request again

A `code` is stable and meant for programs, a message is meant for people. `fusion_billing.error_codes` lists every
code with the HTTP status that it answers with.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field.

    `field` is a dotted path from the top of the body (`model.tiers.1.up_to`; empty for the whole body), `code` is
    listed in `error_codes`, `message` continues a sentence that begins with the field. `stored` is the stored value,
    if the fault is that it differs.
    """

    field: str
    code: str
    message: str
    stored: str | None = None

    def under(self, prefix: str) -> "Fault":
        """Return the same fault with its field below `prefix`."""
        return replace(self, field=f"{prefix}.{self.field}" if self.field else prefix)


class FusionError(Exception):
    """The base of all errors that the service raises on purpose."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


_NAMED_IN_MESSAGE = 10
_LONGEST_IN_MESSAGE = 200


class Refused(FusionError):
    """Invalid input; `faults` names every field that is wrong, and why.

    `total` counts all faults if `faults` does not hold all of them. The message names the first ten.
    """

    code = "invalid"

    def __init__(self, faults: Iterable[Fault], *, code: str | None = None, total: int | None = None) -> None:
        self.faults = tuple(faults)
        if not self.faults:
            raise ValueError("a refusal names at least one fault")
        self.total = len(self.faults) if total is None else total
        super().__init__(_sentence(self.faults, self.total), code=code)


class Unauthenticated(FusionError):
    """The request has no API key, or one that is malformed, unknown or revoked."""

    code = "unauthenticated"


class Forbidden(FusionError):
    """The scopes of the key or the limits of its source do not allow the request."""

    code = "forbidden"


class NotFound(FusionError):
    """The resource does not exist, or belongs to another source: the response is the same."""

    code = "not_found"


class Conflict(FusionError):
    """The request contradicts what is stored."""

    code = "conflict"


class InUse(Conflict):
    """The resource can't be deleted while others refer to it; the message says which."""

    code = "in_use"


class VersionConflict(Conflict):
    """Another request wrote it since it was read: read it again, then decide again."""

    code = "version_conflict"


class OrderTaken(Conflict):
    """The order belongs to another subscription: one order never becomes two subscriptions."""

    code = "order_taken"


class AliasTaken(Conflict):
    """`alias` is already the ID or an alias of another subscription."""

    code = "alias_taken"

    def __init__(self, alias: str) -> None:
        super().__init__(f"{alias} is already the ID or an alias of another subscription")
        self.alias = alias


class TooManyRequests(FusionError):
    """The key sends more requests than it may; `retry_after` is in how many seconds to send this one again."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(FusionError):
    """Nothing was done and nothing is lost: the same request may succeed later."""

    code = "unavailable"


def _sentence(faults: tuple[Fault, ...], total: int) -> str:
    """Return the message of a refusal, of bounded length."""
    named = [f"{_cut(f.field)}: {_cut(f.message)}" if f.field else _cut(f.message) for f in faults[:_NAMED_IN_MESSAGE]]
    if total > len(named):
        named.append(f"and {total - len(named)} more")
    return "; ".join(named)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_IN_MESSAGE else f"{text[: _LONGEST_IN_MESSAGE - 1]}…"
