"""Subscriptions come from Odoo: what changed since the last run, or all of them, deletions included.

One order never becomes two subscriptions: one that the API has defined under an id of its own stays the
API's, and is left alone here; one that it has defined under the order's id is the one that is read, and
follows Odoo. Orders that renew or add to each other are one subscription, under the first one's id; one that
is stored apart from what it renews stays apart. What can't be read is reported by name, and the rest is read.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from fusion_billing.application.ports import Subscriptions, SyncProgress
from fusion_billing.application.save_subscription import SubscriptionWriter
from fusion_billing.application.subscription_plan import Chain, SaveRequest
from fusion_billing.billing.planning import LIST_SHARDS
from fusion_billing.billing_periods.subscription_states import CHURNED, ENDED
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.errors import AliasTaken, OrderTaken, Refused, Unavailable
from fusion_billing.instants import rfc3339
from fusion_billing.odoo.chains import Owner, ReadChain, chain_of, owner_of
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.error_classification import as_configuration_error
from fusion_billing.odoo.errors import (
    ConfigurationError,
    MissingAccessRights,
    OdooError,
    PermanentError,
    SubscriptionsNotInstalled,
)
from fusion_billing.odoo.subscriptions import Reader, ReadSubscription, key_days_left

OVERLAP = timedelta(minutes=15)
"""A change is dated by the start of its transaction, and by Odoo's clock: so far may it show up late."""

_SECONDS_FOR_A_PAGE = 12.0
_WRITERS = 8
_PAGE = 200
_MOST_GONE = 10
_LARGEST_SHARE_GONE = 0.2

logger = Logger()


@dataclass
class Report:
    """What a run did. `after` is the order it stopped at for want of time, None where it read all.

    `skipped` are those that can't be read (or stored), `kept` are the API's own, `passed` are
    quotations and the like that were never subscriptions here, `joined` are orders that were read as part of
    the subscription of another. `apart` are renewals that are a subscription of their own beside the one
    they renew, or that the API has not put into the chain that it keeps. `changed` are the subscriptions
    that the orders read belong to.
    """

    full: bool = False
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    passed: int = 0
    joined: int = 0
    closed: int = 0
    payment_exceptions: int = 0
    gone: list[str] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    apart: list[dict[str, Any]] = field(default_factory=list)
    alarm: str = ""
    failed: str = ""
    after: int | None = None
    key_days_left: float | None = None
    changed: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as an answer and a log have it."""
        told = {**self.__dict__, "complete": self.after is None and not self.failed and not self.alarm}
        days = told.pop("key_days_left")
        del told["changed"]
        return {**told, "odoo_key_days_left": None if days is None else int(days)}


@dataclass(frozen=True)
class SubscriptionSync:
    """What a run works with; `remaining` are the seconds left of it."""

    odoo: Odoo
    store: Subscriptions
    writer: SubscriptionWriter
    state: SyncProgress
    clock: Callable[[], datetime]
    remaining: Callable[[], float]

    def run(self, *, full: bool = False, after: int | None = None, began: datetime | None = None) -> Report:
        """Read what changed, or all; `after` and `began` go on with a run that was short of time."""
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
                groups = self._groups(reader, page)
                report.changed += [group.owner.subscription for group in groups]
                for group, told in zip(groups, writers.map(self._one, groups), strict=True):
                    report.joined += len(group.of_page) - 1
                    for about in told:
                        _count(report, about)
                if self.remaining() < _SECONDS_FOR_A_PAGE:
                    report.after = page[-1].order
                    return
        if not report.read and not domain and not after and not reader.sees_any_order():
            raise MissingAccessRights("the key's user sees no sales order at all", name="empty")

    def _groups(self, reader: Reader, page: Sequence[ReadSubscription]) -> list["_Group"]:
        """Return the page's orders by the subscription that each belongs to, with all others of it."""
        rows = reader.family(page)
        owned = _Owned(self.store, rows)
        stored = {owner_of(row.order, rows, owned).subscription for row in page}
        besides = [order for id_ in sorted(stored) for order in owned.orders(id_) if order not in rows]
        if besides:
            rows = reader.family(rows.values(), besides)
        owners = {order: owner_of(order, rows, owned) for order in rows}
        groups = {owners[row.order].subscription: _Group(owners[row.order], rows, [], []) for row in page}
        for row in page:
            groups[owners[row.order].subscription].of_page.append(row)
        for order, owner in owners.items():
            if owner.subscription in groups:
                groups[owner.subscription].members.append(rows[order])
        return list(groups.values())

    def _one(self, group: "_Group") -> list["_Told"]:
        """Save one subscription; return what it counts as, and what there is to tell of it."""
        chain = chain_of(group.owner.subscription, group.members, group.rows)
        first = group.of_page[0]
        if chain is None:
            return [_Told(first, "passed", None)]
        told = [_Told(row, "apart", group.owner) for row in group.of_page if group.owner.is_apart][:1]
        if chain.refused is not None:
            told.append(_Told(chain.refused, "skipped", [chain.why]))
        if chain.lead.document.get("payment_exception"):
            told.append(_Told(chain.lead, "payment_exception", None))
        return [*told, *self._followed(chain)]

    def _followed(self, chain: ReadChain) -> list["_Told"]:
        """Bring one subscription to what its chain says."""
        lead = chain.lead
        stored = self.store.get(chain.id)
        if stored is not None and not _has_an_order_of(stored, chain):
            return [_Told(lead, "skipped", ["its id is another order's subscription"])]
        if stored is not None and _is_the_api_s(stored):
            return [_Told(lead, "kept", None), *_not_put_in(stored, chain)]
        if stored is not None and not lead.running and stored.subscription.odoo_order_id not in chain.seen:
            return [_Told(lead, "unchanged", None)]  # the order that runs can't be seen: `_find_gone`'s matter
        by_api = stored is not None and stored.origin == "api"
        quietly = "kept" if by_api else "passed"
        wanted, reasons = _parsed(chain, stored)
        if wanted is None:
            is_missed = not by_api and (stored is not None or lead.running)
            return [_Told(lead, "skipped", reasons) if is_missed else _Told(lead, quietly, None)]
        if not lead.running and wanted.state not in ENDED and (stored is None or by_api):
            return [_Told(lead, quietly, None)]
        return [self._save(chain, wanted, stored)]

    def _save(self, chain: ReadChain, wanted: Subscription, stored: StoredSubscription | None) -> "_Told":
        lead = chain.lead
        known = stored.orders if stored is not None else ()
        orders = chain.orders(wanted, known)
        of_odoo = Chain(orders=orders, references=chain.references, plans=chain.plans)
        try:
            saved = self.writer.save(SaveRequest(wanted, origin="odoo", now=self.clock(), chain=of_odoo))
        except OrderTaken:
            return _Told(lead, "kept", None)
        except AliasTaken as taken:
            return _Told(lead, "skipped", [str(taken)])
        except Refused as refused:
            return _Told(lead, "skipped", _reasons(refused))
        except Unavailable as error:
            return _Told(lead, "failed", error.code)
        return _Told(lead, saved.outcome, len(saved.closed))

    def _find_gone(self, reader: Reader, report: Report) -> None:
        """Let those go that Odoo no longer has: they are rated up to now, and no further."""
        missing: list[Subscription] = []
        checked = 0
        for shard in range(LIST_SHARDS):
            after: str | None = None
            while True:
                page, after = self.store.listing(shard, after, _PAGE)
                running = {
                    one.subscription.odoo_order_id: one.subscription
                    for one in page
                    if one.origin == "odoo" and one.subscription.state not in ENDED
                }
                checked += len(running)
                there = reader.there(running) if running else set()
                missing += [one for order, one in running.items() if order not in there]
                if after is None:
                    break
        if len(missing) > max(_MOST_GONE, checked * _LARGEST_SHARE_GONE):
            raise MissingAccessRights(
                f"{len(missing)} of {checked} subscriptions are no longer to be seen: that is rights, more "
                "likely than deletions",
                name="gone",
            )
        for one in missing:
            self.writer.save(SaveRequest(one.model_copy(update={"state": CHURNED}), origin="odoo", now=self.clock()))
            report.gone.append(one.name)


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


def _is_the_api_s(stored: StoredSubscription) -> bool:
    """Return whether the API keeps it under an id of its own; under its first order's id it follows Odoo."""
    return stored.origin == "api" and stored.id != str(stored.chain[0].odoo_order_id)


def _not_put_in(stored: StoredSubscription, chain: ReadChain) -> list["_Told"]:
    """Tell of renewals of what the API keeps that it has not put into its chain."""
    known = {order.odoo_order_id for order in stored.chain}
    owner = Owner(stored.id, stored.id)
    return [_Told(row, "apart", owner) for row in chain.serving if row.order not in known]


@dataclass(frozen=True, slots=True)
class _Group:
    """The orders that are one subscription's, those of the page among them, and all that were read."""

    owner: Owner
    rows: Mapping[int, ReadSubscription]
    of_page: list[ReadSubscription]
    members: list[ReadSubscription]


@dataclass(frozen=True, slots=True)
class _Told:
    """What came of an order."""

    row: ReadSubscription
    outcome: str
    about: Any


class _Owned:
    """Whose each order is by what is stored; asked once."""

    def __init__(self, store: Subscriptions, rows: Mapping[int, ReadSubscription]) -> None:
        self._store = store
        self._rows = rows
        self._owners: dict[int, str | None] = {}

    def __call__(self, order: int) -> str | None:
        if order not in self._owners:
            self._owners[order] = self._store.of_order(order)
        return self._owners[order]

    def orders(self, subscription: str) -> list[int]:
        """Return the orders of a subscription that is stored, where there are several."""
        stored = self._store.get(subscription)
        return [order.odoo_order_id for order in stored.orders] if stored is not None else []


class _Attempt:
    """Notes in the report what Odoo ran into."""

    def __init__(self, report: Report, *, never_read: bool = False) -> None:
        self._report = report
        self._never_read = never_read

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, OdooError):
            return False
        told = as_configuration_error(error)
        if isinstance(told, SubscriptionsNotInstalled) and self._never_read:
            # An Odoo without subscriptions was never to be read: they are put in by the API.
            self._report.failed = told.code
            logger.info("there are no subscriptions to read", code=told.code, said=told.message)
            return True
        if isinstance(told, ConfigurationError | PermanentError):
            self._report.alarm = told.code
        else:
            self._report.failed = told.code
        logger.error("subscriptions could not be read", code=told.code, error=told.name, said=told.message)
        return True


def _count(report: Report, told: _Told) -> None:
    row, outcome, about = told.row, told.outcome, told.about
    if outcome == "skipped":
        report.skipped.append({"odoo_order_id": row.order, "name": row.name, "reasons": about})
        logger.warning("a subscription can't be read", order=row.order, name_=row.name, reasons=about)
    elif outcome == "apart":
        found = {"odoo_order_id": row.order, "name": row.name, "subscription": about.subscription}
        report.apart.append(found | ({"renews": about.natural} if about.is_apart else {}))
        logger.warning("a renewal is apart from what it renews", order=row.order, name_=row.name)
    elif outcome == "payment_exception":
        report.payment_exceptions += 1
    elif outcome == "failed":
        report.failed = about
    else:
        setattr(report, outcome, getattr(report, outcome) + 1)
        report.closed += about or 0


def _written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S")
