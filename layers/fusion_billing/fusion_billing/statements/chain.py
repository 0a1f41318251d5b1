"""Verify statements: each has the hash of its document, and names the hash of the statement before it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from fusion_billing.billing.decisions import total
from fusion_billing.decimals import EXACT
from fusion_billing.statements.statement import FORMAT, hash_of


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of one statement: a stable code, and a message."""

    subscription: str
    period_start: str
    code: str
    message: str


def findings(statements: Iterable[Mapping[str, object]]) -> list[Finding]:
    """Return the faults of statements of one or more subscriptions, in any order; empty if there are none.

    The statements of a subscription must be complete: all since its first one, without a gap. A fault of one statement
    does not affect the statements before it.
    """
    by_subscription: dict[str, list[Mapping[str, object]]] = {}
    for statement in statements:
        by_subscription.setdefault(str(statement.get("subscription")), []).append(statement)
    found: list[Finding] = []
    for chain in by_subscription.values():
        found += _chain_findings(sorted(chain, key=lambda statement: str(statement.get("period_start"))))
    return found


def is_intact(statement: Mapping[str, object]) -> bool:
    """Return whether a statement's hash is that of its document."""
    return statement.get("format") == FORMAT and statement.get("hash") == hash_of(statement)


def _chain_findings(chain: Sequence[Mapping[str, object]]) -> list[Finding]:
    found: list[Finding] = []
    previous: Mapping[str, object] | None = None
    for statement in chain:
        expected = None if previous is None else previous.get("hash")
        if statement.get("format") != FORMAT:
            found.append(_finding(statement, "unknown_format", f"Format is not {FORMAT}"))
        elif statement.get("hash") != hash_of(statement):
            found.append(_finding(statement, "hash_differs", "Document was changed after it was hashed"))
        if statement.get("previous_hash") != expected:
            found.append(_finding(statement, "chain_broken", _broken(previous)))
        if not _adds_up(statement):
            found.append(_finding(statement, "totals_differ", "Lines do not add up to the totals"))
        previous = statement
    return found


def _broken(previous: Mapping[str, object] | None) -> str:
    if previous is None:
        return "Previous statement is missing"
    return f"previous_hash is not the hash of the statement of {previous.get('period_start')}"


def _adds_up(statement: Mapping[str, Any]) -> bool:
    """Return whether the totals are the sums of the lines, and each difference is rated less invoiced."""
    try:
        lines, totals = statement["lines"], statement["totals"]
        own = _sum(line["rated"] for line in lines if "corrects" not in line)
        adjusted = _sum(line["rated"] for line in lines if "corrects" in line)
        invoiced = _sum(line["invoiced"] for line in lines)
        each = all(_less(line["rated"], line["invoiced"]) == Decimal(line["difference"]) for line in lines)
        sums = {
            "rated": own,
            "adjusted": adjusted,
            "invoiced": invoiced,
            "difference": EXACT.subtract(EXACT.add(own, adjusted), invoiced),
        }
        return each and all(Decimal(totals[name]) == amount for name, amount in sums.items())
    except (KeyError, TypeError, InvalidOperation):
        return False


def _sum(amounts: Iterable[str]) -> Decimal:
    return total(map(Decimal, amounts))


def _less(amount: str, other: str) -> Decimal:
    return EXACT.subtract(Decimal(amount), Decimal(other))


def _finding(statement: Mapping[str, object], code: str, message: str) -> Finding:
    subscription, start = str(statement.get("subscription")), str(statement.get("period_start"))
    return Finding(subscription, start, code, message)
