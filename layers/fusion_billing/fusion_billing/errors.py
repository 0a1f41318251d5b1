"""Everything the service raises on purpose.

::

    FusionError
    ├── Refused            bad input: carries every `Fault` found, nothing was stored
    ├── Unauthenticated    no key, an unknown key, a revoked key
    ├── Forbidden          the key is good, its scope or its source's limits are not
    ├── NotFound           the thing named does not exist (or is another source's)
    ├── Conflict           the thing exists and says otherwise
    │   ├── InUse          it can't go while something still points at it
    │   ├── VersionConflict  it was written by another request since it was read
    │   ├── OrderTaken     the order belongs to another subscription
    │   └── AliasTaken     the alias belongs to another subscription
    └── Unavailable        not done, nothing lost: send it again

`code` is stable and meant for programs; the message is meant for people. What status a
code becomes is the business of `fusion_billing.http.problem`: nothing here knows HTTP.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field.

    `field` is a dotted path from the body's top (`model.tiers.1.up_to`; empty for the whole),
    `code` a stable word for programs, `message` a sentence for people; `stored` is what is stored there
    instead, if the fault is that it differs.
    """

    field: str
    code: str
    message: str
    stored: str | None = None

    def under(self, prefix: str) -> "Fault":
        """Return the same fault, its field seen from one level further out."""
        return replace(self, field=f"{prefix}.{self.field}" if self.field else prefix)


class FusionError(Exception):
    """The root: whatever the service raises on purpose."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


_NAMED_IN_MESSAGE = 10
_LONGEST_IN_MESSAGE = 200


class Refused(FusionError):
    """Input that can't be taken; `faults` names every field that is wrong, and why.

    `total` counts the faults where not all of them are in `faults`. The message names the first ten.
    """

    code = "invalid"

    def __init__(self, faults: Iterable[Fault], *, code: str | None = None, total: int | None = None) -> None:
        self.faults = tuple(faults)
        if not self.faults:
            raise ValueError("a refusal names at least one fault")
        self.total = len(self.faults) if total is None else total
        super().__init__(_sentence(self.faults, self.total), code=code)


class Unauthenticated(FusionError):
    """Nobody we know: no key, a malformed one, an unknown or a revoked one."""

    code = "unauthenticated"


class Forbidden(FusionError):
    """Somebody we know, asking for what the key's scopes or the source's limits do not allow."""

    code = "forbidden"


class NotFound(FusionError):
    """What was named does not exist, or belongs to another source: the two answer alike."""

    code = "not_found"


class Conflict(FusionError):
    """What was asked contradicts what is stored."""

    code = "conflict"


class InUse(Conflict):
    """It can't be deleted while something still points at it; the message says what."""

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


class Unavailable(FusionError):
    """Not done and nothing lost: the same call may succeed when it is sent again."""

    code = "unavailable"


def _sentence(faults: tuple[Fault, ...], total: int) -> str:
    """Return what a refusal says: bounded, whatever was sent."""
    named = [f"{_cut(f.field)}: {_cut(f.message)}" if f.field else _cut(f.message) for f in faults[:_NAMED_IN_MESSAGE]]
    if total > len(named):
        named.append(f"and {total - len(named)} more")
    return "; ".join(named)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_IN_MESSAGE else f"{text[: _LONGEST_IN_MESSAGE - 1]}…"
