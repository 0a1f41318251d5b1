"""Test which usage records are accepted: their targets exist, their key may use them, their window is in bounds."""

from decimal import Decimal

import pytest

from fusion_billing.access.principal import Principal
from fusion_billing.errors import Fault
from fusion_billing.metering.admission import Admission, Target, admission, is_long, life_of, window_faults
from fusion_billing.metering.usage_record import UsageRecord

START, END = "2026-11-01T00:00:00.000000Z", "2026-12-01T00:00:00.000000Z"
METRIC = Target("calls", aggregation="sum")
SUBSCRIPTION = Target("42", plan="Pro", starts=START, ends=END)

SOURCE_NOT_ALLOWED = Fault("source", "source_not_allowed", "requires a key with the scope admin")
UNKNOWN_SOURCE = Fault("source", "unknown_source", "does not exist")
NOT_ALLOWED = Fault("metric", "metric_not_allowed", "is not among the metrics of this source")
UNKNOWN_METRIC = Fault("metric", "unknown_metric", "does not exist")
UNKNOWN_SUBSCRIPTION = Fault("subscription", "unknown_subscription", "does not exist")
BEFORE_START = Fault(
    "period_start", "before_start", "must not be before the start of the subscription, 2026-11-01T00:00:00Z"
)
ENDED = Fault("period_start", "subscription_ended", "must be before the end of the subscription, 2026-12-01T00:00:00Z")
TOO_LONG = Fault(
    "period_end", "window_too_long", "must be at most 32 days after period_start for a time_weighted metric"
)


def principal(*scopes: str, metrics: frozenset[str] | None = None, plans: frozenset[str] | None = None) -> Principal:
    return Principal("key", "nexa", frozenset(scopes), metrics, plans)


def usage(start: str = "2026-11-03", end: str = "2026-11-04", *, source: str = "") -> UsageRecord:
    """Return a usage record of the alias `acme`, with a window from midnight to midnight."""
    window = (f"{start}T00:00:00.000000Z", f"{end}T00:00:00.000000Z")
    return UsageRecord("k", False, "acme", "calls", *window, Decimal(1), "1", source=source)


def admit(
    by: Principal,
    *,
    source: str = "",
    metric: Target | None = METRIC,
    subscription: Target | None = SUBSCRIPTION,
    found: Target | None = None,
) -> Admission:
    return admission(by, usage(source=source), metric=metric, subscription=subscription, source=found)


def test_a_record_belongs_to_the_subscription_behind_its_alias_and_within_its_life() -> None:
    assert admit(principal()) == Admission("42", START, END)


def test_the_window_of_a_level_is_bounded() -> None:
    level = Target("seats", aggregation="time_weighted")
    assert admit(principal(), metric=level) == Admission("42", START, END, is_level=True)


@pytest.mark.parametrize(
    ("by", "metric", "subscription", "faults"),
    [
        (principal(), None, SUBSCRIPTION, (UNKNOWN_METRIC,)),
        (principal(), METRIC, None, (UNKNOWN_SUBSCRIPTION,)),
        (principal(), None, None, (UNKNOWN_METRIC, UNKNOWN_SUBSCRIPTION)),
        (principal(metrics=frozenset({"seats"})), METRIC, SUBSCRIPTION, (NOT_ALLOWED,)),
        (principal(metrics=frozenset({"seats"})), None, SUBSCRIPTION, (NOT_ALLOWED,)),
        (principal(plans=frozenset({"Basic"})), METRIC, SUBSCRIPTION, (UNKNOWN_SUBSCRIPTION,)),
    ],
)
def test_a_target_that_does_not_exist_or_is_not_allowed(
    by: Principal, metric: Target | None, subscription: Target | None, faults: tuple[Fault, ...]
) -> None:
    assert admit(by, metric=metric, subscription=subscription) == Admission("acme", faults=faults)


def test_the_limits_of_a_source_admit_what_they_name() -> None:
    assert admit(principal(metrics=frozenset({"calls"}), plans=frozenset({"Pro"}))) == Admission("42", START, END)


@pytest.mark.parametrize(
    ("by", "source", "found", "faults"),
    [
        (principal(), "nexa", None, ()),
        (principal("usage:write"), "other", Target("other"), (SOURCE_NOT_ALLOWED,)),
        (principal("usage:write"), "other", None, (SOURCE_NOT_ALLOWED,)),
        (principal("admin"), "other", None, (UNKNOWN_SOURCE,)),
        (principal("admin"), "other", Target("other"), ()),
    ],
)
def test_another_source_needs_the_scope_admin_and_must_exist(
    by: Principal, source: str, found: Target | None, faults: tuple[Fault, ...]
) -> None:
    assert admit(by, source=source, found=found).faults == faults


def test_nothing_is_said_about_targets_if_the_source_is_refused() -> None:
    refused = admit(principal(), source="other", metric=None, subscription=None)
    assert refused == Admission("acme", faults=(SOURCE_NOT_ALLOWED,))


@pytest.mark.parametrize(
    ("start", "end", "faults"),
    [
        ("2026-11-01", "2026-11-02", ()),
        ("2026-11-30", "2026-12-02", ()),
        ("2026-10-31", "2026-11-02", (BEFORE_START,)),
        ("2026-12-01", "2026-12-02", (ENDED,)),
        ("2026-11-01", "2026-12-03", ()),
        ("2026-11-01", "2026-12-04", (TOO_LONG,)),
        ("2026-10-30", "2026-12-02", (BEFORE_START, TOO_LONG)),
    ],
)
def test_the_window_of_a_level_lies_in_the_life_of_the_subscription(
    start: str, end: str, faults: tuple[Fault, ...]
) -> None:
    assert window_faults(Admission("42", START, END, is_level=True), usage(start, end)) == faults


def test_a_window_of_any_length_is_accepted_if_the_metric_is_not_a_level() -> None:
    assert window_faults(Admission("42", START, END), usage("2026-11-01", "2029-01-01")) == ()


def test_a_subscription_without_bounds_accepts_every_window() -> None:
    assert window_faults(Admission("42"), usage("2000-01-01", "2000-01-02")) == ()


@pytest.mark.parametrize(
    ("faults", "bounds"),
    [
        ((), {}),
        ((TOO_LONG,), {}),
        ((BEFORE_START,), {"started_at": "2026-11-01T00:00:00Z"}),
        ((ENDED, TOO_LONG), {"ended_at": "2026-12-01T00:00:00Z"}),
    ],
)
def test_the_bounds_that_faults_refer_to(faults: tuple[Fault, ...], bounds: dict[str, str]) -> None:
    assert life_of(Admission("42", START, END), faults) == bounds


@pytest.mark.parametrize(
    ("start", "end", "long"),
    [("2026-11-01", "2026-11-30", False), ("2026-11-01", "2026-12-03", False), ("2026-11-01", "2026-12-04", True)],
)
def test_a_window_of_more_than_32_days_is_long(start: str, end: str, long: bool) -> None:
    assert is_long(usage(start, end)) is long


def test_the_year_of_a_window_counts_too() -> None:
    assert is_long(usage("2026-11-01", "2027-11-02"))
