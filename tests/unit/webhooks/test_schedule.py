from datetime import UTC, datetime, timedelta

import pytest

from fusion_billing.webhooks.delivery_result import (
    Attempt,
    DeliveryResult,
    EndpointResponse,
    recent_attempts,
    result_of,
)
from fusion_billing.webhooks.retry_schedule import DELAYS, failed_too_long, next_attempt_at, parse_retry_after

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def test_tries_are_laid_out_as_standard_webhooks_recommends() -> None:
    assert [delay.total_seconds() for delay in DELAYS] == [
        0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400,
    ]  # fmt: skip


@pytest.mark.parametrize("attempt_count", range(1, 10))
def test_a_delay_is_stretched_by_a_tenth_at_most_and_never_cut(attempt_count: int) -> None:
    assert next_attempt_at(attempt_count, now=NOW, jitter=0.0) == NOW + DELAYS[attempt_count]
    assert next_attempt_at(attempt_count, now=NOW, jitter=0.5) == NOW + DELAYS[attempt_count] * 1.05


def test_after_the_tenth_try_there_is_none() -> None:
    assert next_attempt_at(10, now=NOW, jitter=0.0) is None
    assert next_attempt_at(10, now=NOW, jitter=0.0, retry_after=timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("asked", "waited"), [(0, 5), (4, 5), (60, 60), (86_400, 86_400), (90_000, 86_400), (10**8, 86_400)]
)
def test_a_retry_after_only_lengthens_and_a_day_at_most(asked: int, waited: int) -> None:
    due = next_attempt_at(1, now=NOW, jitter=0.0, retry_after=timedelta(seconds=asked))
    assert due == NOW + timedelta(seconds=waited)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("9" * 5000, None),
        ("Sun, 22 Nov 2026 15:02:00 GMT", 120),
        ("Sunday, 22-Nov-26 15:02:00 GMT", 120),
        ("Sun Nov 22 15:02:00 2026", 120),
        ("Sun, 22 Nov 2026 16:02:00 +0100", 120),
        ("Sun, 22 Nov 2026 14:00:00 GMT", 0),
        ("Sun, 22 Nov 99999 14:00:00 GMT", None),
        ("Sun, 31 Feb 2026 14:00:00 GMT", None),
        ("tomorrow", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_or_nothing(value: str | None, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert parse_retry_after(value, now=NOW) == expected


def judged(answer: EndpointResponse, attempt_count: int = 1) -> DeliveryResult:
    return result_of(answer, attempt_count=attempt_count, now=NOW, jitter=0.0)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_only_2xx_is_delivered(status: int) -> None:
    assert judged(EndpointResponse(status), 10) == DeliveryResult("delivered")


@pytest.mark.parametrize("status", [103, 199, 300, 301, 302, 307, 308, 400, 401, 404, 409, 429, 500, 503, 599])
def test_every_other_status_is_tried_again_and_then_failed(status: int) -> None:
    assert judged(EndpointResponse(status)) == DeliveryResult("due", due_at=NOW + timedelta(seconds=5))
    last = judged(EndpointResponse(status), 10)
    assert (last.state, last.gone) == ("failed", False)
    assert last.error is not None


@pytest.mark.parametrize("error", ["timed_out", "connect_failed", "refused_address", "unresolvable"])
def test_no_answer_is_tried_again_and_then_failed(error: str) -> None:
    assert judged(EndpointResponse(None, error)).state == "due"
    assert judged(EndpointResponse(None, error), 10).state == "failed"


def test_410_fails_at_once_and_says_that_the_endpoint_is_gone() -> None:
    result = judged(EndpointResponse(410))
    assert (result.state, result.gone) == ("failed", True)


def test_a_retry_after_counts_on_any_failure_and_not_on_a_success() -> None:
    assert judged(EndpointResponse(503, retry_after="60")).due_at == NOW + timedelta(seconds=60)
    assert judged(EndpointResponse(200, retry_after="60")) == DeliveryResult("delivered")


def test_five_days_of_only_failures_are_too_long() -> None:
    assert not failed_too_long(NOW, NOW + timedelta(days=5, microseconds=-1))
    assert failed_too_long(NOW, NOW + timedelta(days=5))


def test_attempts_are_kept_for_thirty_days_and_no_more_than_thirty() -> None:
    attempts = tuple(Attempt(NOW + timedelta(days=day), 500, 1) for day in range(40))
    assert recent_attempts(attempts[:31], NOW + timedelta(days=30)) == attempts[1:31]
    assert recent_attempts(attempts, NOW) == attempts[10:]
