"""Read subscriptions from Odoo: what changed since the last run, or all of them, deletions included.

One order never becomes two subscriptions. If the API defined a subscription under an ID of its own, the API's
definition stays and the order is left alone; if it defined it under the order's ID, the subscription follows Odoo.
Orders that renew or extend each other are one subscription, under the ID of the first; an order that is stored
apart from the one that it renews stays apart. Orders that can't be read are reported by name, and the others are
read.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from fusion_billing.application.order_groups import OrderGroup, grouped
from fusion_billing.application.ports import Subscriptions, SyncProgress
from fusion_billing.application.save_subscription import SubscriptionWriter
from fusion_billing.application.subscription_plan import Chain, SaveRequest
from fusion_billing.application.sync_report import OrderResult, Outcome, Report, count
from fusion_billing.billing_periods.subscription_states import CHURNED, ENDED
from fusion_billing.catalog.identifiers import LIST_SHARDS
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import AliasTaken, OrderTaken, Refused, Unavailable
from fusion_billing.instants import rfc3339
from fusion_billing.odoo.chains import Owner, ReadChain, chain_of
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.error_classification import as_configuration_error
from fusion_billing.odoo.errors import (
    ConfigurationError,
    MissingAccessRights,
    OdooError,
    PermanentError,
    SubscriptionsNotInstalled,
)
from fusion_billing.odoo.subscriptions import Reader, key_days_left

OVERLAP = timedelta(minutes=15)
"""How late a change may show up: Odoo dates it by its own clock and by the start of the transaction."""

_SECONDS_FOR_A_PAGE = 12.0
_WRITERS = 8
_PAGE = 200
_MOST_GONE = 10
_LARGEST_SHARE_GONE = 0.2

logger = Logger()


@dataclass(frozen=True)
class SubscriptionSync:
    """Reads subscriptions; `remaining` returns the seconds left."""

    odoo: Odoo
    store: Subscriptions
    writer: SubscriptionWriter
    state: SyncProgress
    clock: Callable[[], datetime]
    remaining: Callable[[], float]

    def run(self, *, full: bool = False, after: int | None = None, began: datetime | None = None) -> Report:
        """Read orders that changed, or all. `after` and `began` continue a run that was out of time."""
        began = began or self.clock()
        read_up_to = self.state.since()
        since = None if full else read_up_to
        whole = full or since is None
        report = Report(full=whole)
        domain = [] if since is None else [["write_date", ">=", _written(since - OVERLAP)]]
        with _Attempt(report, never_read=read_up_to is None):
            self._pages(Reader(self.odoo), domain, report, after or 0)
            if report.after is None and whole:
                self._find_gone(Reader(self.odoo), report)
            report.key_days_left = key_days_left(self.odoo, self.clock())
        if report.after is None and not report.failed and not report.alarm:
            self.state.done(began, {**report.as_dict(), "at": rfc3339(self.clock())})
        return report

    def orders(self, ids: Sequence[int]) -> Report:
        """Read just these orders."""
        report = Report()
        with _Attempt(report):
            self._pages(Reader(self.odoo), [["id", "in", list(ids)]], report, 0)
        return report

    def _pages(self, reader: Reader, domain: list[Any], report: Report, after: int) -> None:
        with ThreadPoolExecutor(_WRITERS) as writers:
            for page in reader.pages(domain, after=after, size=_PAGE):
                report.read += len(page)
                groups = grouped(self.store, reader, page)
                report.changed += [group.owner.subscription for group in groups]
                for group, results in zip(groups, writers.map(self._synchronized, groups), strict=True):
                    report.joined += len(group.of_page) - 1
                    for result in results:
                        count(report, result)
                if self.remaining() < _SECONDS_FOR_A_PAGE:
                    report.after = page[-1].order
                    return
        if not report.read and not domain and not after and not reader.sees_any_order():
            raise MissingAccessRights("the user of the API key can't see any sales order", name="empty")

    def _synchronized(self, group: OrderGroup) -> list[OrderResult]:
        """Save the subscription of a group; return its results."""
        chain = chain_of(group.owner.subscription, group.members, group.rows)
        first = group.of_page[0]
        if chain is None:
            return [OrderResult(first, "passed")]
        results = [OrderResult(row, "apart", owner=group.owner) for row in group.of_page if group.owner.is_apart][:1]
        if chain.refused is not None:
            results.append(OrderResult(chain.refused, "skipped", [chain.why]))
        if chain.lead.document.get("payment_exception"):
            results.append(OrderResult(chain.lead, "payment_exception"))
        return [*results, *self._followed(chain)]

    def _followed(self, chain: ReadChain) -> list[OrderResult]:
        """Save the subscription of a chain unless the API defined it."""
        lead = chain.lead
        stored = self.store.get(chain.id)
        if stored is not None and not _has_an_order_of(stored, chain):
            return [OrderResult(lead, "skipped", ["its ID belongs to the subscription of another order"])]
        if stored is not None and _is_defined_by_api(stored):
            return [OrderResult(lead, "defined_by_api"), *_left_out(stored, chain)]
        if stored is not None and not lead.running and stored.subscription.odoo_order_id not in chain.seen:
            return [OrderResult(lead, "unchanged")]  # the running order is not visible: see `_find_gone`
        by_api = stored is not None and stored.origin == "api"
        quietly: Outcome = "defined_by_api" if by_api else "passed"
        requested, reasons = _parsed(chain, stored)
        if requested is None:
            is_missed = not by_api and (stored is not None or lead.running)
            return [OrderResult(lead, "skipped", reasons) if is_missed else OrderResult(lead, quietly)]
        if not lead.running and requested.state not in ENDED and (stored is None or by_api):
            return [OrderResult(lead, quietly)]
        return [self._save(chain, requested, stored)]

    def _save(self, chain: ReadChain, requested: Subscription, stored: StoredSubscription | None) -> OrderResult:
        lead = chain.lead
        known = stored.orders if stored is not None else ()
        orders = chain.orders(requested, known)
        of_odoo = Chain(orders=orders, references=chain.references, plans=chain.plans)
        try:
            saved = self.writer.save(SaveRequest(requested, origin="odoo", now=self.clock(), chain=of_odoo))
        except OrderTaken:
            return OrderResult(lead, "defined_by_api")
        except AliasTaken as taken:
            return OrderResult(lead, "skipped", [str(taken)])
        except Refused as refused:
            return OrderResult(lead, "skipped", _reasons(refused))
        except Unavailable as error:
            return OrderResult(lead, "failed", error=error.code)
        return OrderResult(lead, saved.outcome, closed=len(saved.closed))

    def _find_gone(self, reader: Reader, report: Report) -> None:
        """End subscriptions whose orders Odoo no longer has: they are rated up to now."""
        missing: list[Subscription] = []
        checked = 0
        for shard in range(LIST_SHARDS):
            after: str | None = None
            while True:
                page, after = self.store.listing(shard, after, _PAGE)
                running = {
                    listed.subscription.odoo_order_id: listed.subscription
                    for listed in page
                    if listed.origin == "odoo" and listed.subscription.state not in ENDED
                }
                checked += len(running)
                existing = reader.there(running) if running else set()
                missing += [subscription for order, subscription in running.items() if order not in existing]
                if after is None:
                    break
        if len(missing) > max(_MOST_GONE, checked * _LARGEST_SHARE_GONE):
            raise MissingAccessRights(
                f"{len(missing)} of {checked} subscriptions are no longer visible: access rights were probably lost",
                name="gone",
            )
        for subscription in missing:
            churned = subscription.model_copy(update={"state": CHURNED})
            self.writer.save(SaveRequest(churned, origin="odoo", now=self.clock()))
            report.gone.append(subscription.name)


def _parsed(chain: ReadChain, stored: StoredSubscription | None) -> tuple[Subscription | None, list[str]]:
    known = stored.subscription if stored is not None else None
    try:
        return parse(Subscription, chain.document(known), id=chain.id), []
    except Refused as refused:
        return None, _reasons(refused)


def _reasons(refused: Refused) -> list[str]:
    return [f"{fault.field}: {fault.message}" for fault in refused.faults]


def _has_an_order_of(stored: StoredSubscription, chain: ReadChain) -> bool:
    known = {stored.subscription.odoo_order_id, *(order.odoo_order_id for order in stored.orders)}
    return not known.isdisjoint(row.order for row in chain.serving)


def _is_defined_by_api(stored: StoredSubscription) -> bool:
    """Return whether the API defined it under an ID of its own; under its first order's ID it follows Odoo."""
    return stored.origin == "api" and stored.id != str(stored.chain[0].odoo_order_id)


def _left_out(stored: StoredSubscription, chain: ReadChain) -> list[OrderResult]:
    """Report renewals that the API has not included in the chain that it defined."""
    known = {order.odoo_order_id for order in stored.chain}
    owner = Owner(stored.id, stored.id)
    return [OrderResult(row, "apart", owner=owner) for row in chain.serving if row.order not in known]


class _Attempt:
    """Records errors of Odoo in the report."""

    def __init__(self, report: Report, *, never_read: bool = False) -> None:
        self._report = report
        self._never_read = never_read

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, OdooError):
            return False
        failure = as_configuration_error(error)
        if isinstance(failure, SubscriptionsNotInstalled) and self._never_read:
            # Odoo has no subscriptions app and was never read: the API defines subscriptions.
            self._report.failed = failure.code
            logger.info("Odoo has no subscriptions app", code=failure.code, said=failure.message)
            return True
        if isinstance(failure, ConfigurationError | PermanentError):
            self._report.alarm = failure.code
        else:
            self._report.failed = failure.code
        logger.error("subscriptions could not be read", code=failure.code, error=failure.name, said=failure.message)
        return True


def _written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S")
