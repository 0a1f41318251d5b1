"""Every message reads back as it was sent, and as earlier releases sent it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fusion_billing.billing.planning import Hours, finished_hours
from fusion_billing.messaging.messages import Job, rating_job, relay_job
from fusion_billing.messaging.rating_messages import HourJob, PairsJob, SubscriptionJob, SweepJob, hour_jobs, sweep_jobs
from fusion_billing.messaging.relay_messages import CloseJob, DeliveriesJob, GuardJob, InvoicesJob, LinesJob, SyncJob

NOW = datetime(2026, 11, 20, 13, 6, tzinfo=UTC)
SETTLING = timedelta(seconds=300)
START = datetime(2026, 11, 1, tzinfo=UTC)


def _at(hour: int, day: int = 20) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


RATING: list[tuple[Job, dict[str, Any]]] = [
    (HourJob(hour=_at(12), shard=3), {"job": "hour", "hour": "2026-11-20T12", "shard": 3}),
    (HourJob(hour=_at(12), shard=0, hours=24), {"job": "hour", "hour": "2026-11-20T12", "hours": 24, "shard": 0}),
    (
        HourJob(hour=_at(13), shard=1, part="2026-11-20T12", after="42#calls#2026-11", run="run_1", is_urgent=True),
        {
            "job": "hour",
            "hour": "2026-11-20T13",
            "shard": 1,
            "part": "2026-11-20T12",
            "urgent": True,
            "after_pair": "42#calls#2026-11",
            "run": "run_1",
        },
    ),
    (PairsJob(pairs=("42#calls#2026-11",)), {"job": "pairs", "pairs": ["42#calls#2026-11"]}),
    (SweepJob(list_shard=0), {"job": "sweep", "list_shard": 0}),
    (
        SweepJob(list_shard=5, charge="calls", after="42", run="run_1"),
        {"job": "sweep", "list_shard": 5, "charge": "calls", "after": "42", "run": "run_1"},
    ),
    (SubscriptionJob(subscription="42"), {"job": "subscription", "id": "42"}),
    (
        SubscriptionJob(subscription="42", charge="calls", because="invoice", run="run_1"),
        {"job": "subscription", "id": "42", "charge": "calls", "cause": "invoice", "run": "run_1"},
    ),
]

RELAY: list[tuple[Job, dict[str, Any]]] = [
    (LinesJob(), {"job": "lines"}),
    (DeliveriesJob(), {"job": "deliveries"}),
    (DeliveriesJob(endpoints=("ep_1",)), {"job": "deliveries", "endpoint": "ep_1"}),
    (DeliveriesJob(endpoints=("ep_1", "ep_2")), {"job": "deliveries", "endpoints": ["ep_1", "ep_2"]}),
    (SyncJob(), {"job": "sync", "full": False}),
    (
        SyncJob(full=True, after=7, began=NOW),
        {"job": "sync", "full": True, "after": 7, "began": "2026-11-20T13:06:00Z"},
    ),
    (InvoicesJob(), {"job": "invoices"}),
    (
        InvoicesJob(subscription="42", period_start=START),
        {"job": "invoices", "subscription": "42", "period_start": "2026-11-01T00:00:00Z"},
    ),
    (
        CloseJob(subscription="42", period_start=START),
        {"job": "close", "subscription": "42", "period_start": "2026-11-01T00:00:00Z"},
    ),
    (GuardJob(), {"job": "guard"}),
    (GuardJob(subscriptions=("41", "42")), {"job": "guard", "subscriptions": ["41", "42"]}),
    (GuardJob(closing=True, shard=2, after="42"), {"job": "guard", "closing": True, "shard": 2, "after": "42"}),
    (GuardJob(copies_after=9), {"job": "guard", "copies_after": 9}),
]


@pytest.mark.parametrize(("job", "message"), RATING)
def test_a_message_of_the_rating_queue_reads_back_as_it_was_sent(job: Job, message: dict[str, Any]) -> None:
    assert job.to_json() == message
    assert rating_job(message) == job


@pytest.mark.parametrize(("job", "message"), RELAY)
def test_a_message_of_the_relay_queue_reads_back_as_it_was_sent(job: Job, message: dict[str, Any]) -> None:
    assert job.to_json() == message
    assert relay_job(message) == job


@pytest.mark.parametrize(
    ("message", "job"),
    [
        ({"job": "sync", "full": False, "after": None, "began": "2026-11-20T13:06:00Z"}, SyncJob(began=NOW)),
        ({"job": "guard", "closing": False, "shard": 2, "after": None}, GuardJob(shard=2)),
        ({"job": "sync"}, SyncJob()),
    ],
)
def test_messages_of_earlier_releases_are_read(message: dict[str, Any], job: Job) -> None:
    assert relay_job(message) == job


@pytest.mark.parametrize("message", [{}, {"job": "party"}, {"job": 7}, [], None, "text", {"job": "relay"}])
def test_an_unknown_job_is_refused_by_name(message: Any) -> None:
    with pytest.raises(ValueError, match="Unknown job in the rating queue"):
        rating_job(message)
    with pytest.raises(ValueError, match="Unknown job in the relay queue"):
        relay_job(message)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ({"job": "hour", "hour": "2026-11-20T12", "shard": 0}, "usage"),
        ({"job": "hour", "hour": "2026-11-20T12", "shard": 0, "run": "run_1"}, "run"),
        ({"job": "pairs", "pairs": []}, "usage"),
        ({"job": "sweep", "list_shard": 0}, "run"),
        ({"job": "sweep", "list_shard": 0, "charge": "calls"}, "definition"),
        ({"job": "sweep", "list_shard": 0, "charge": "calls", "run": "run_1"}, "run"),
        ({"job": "subscription", "id": "42"}, "subscription"),
        ({"job": "subscription", "id": "42", "charge": "calls"}, "definition"),
        ({"job": "subscription", "id": "42", "cause": "invoice"}, "invoice"),
        ({"job": "subscription", "id": "42", "cause": "invoice", "run": "run_1"}, "run"),
    ],
)
def test_a_message_says_why_ratings_change(message: dict[str, Any], cause: str) -> None:
    assert rating_job(message).cause == cause


def test_every_hour_and_shard_is_in_exactly_one_message() -> None:
    hours = finished_hours(_at(7, 17), NOW, NOW, SETTLING)
    jobs = hour_jobs(hours, 3)
    covered = [(job.hour + offset * timedelta(hours=1), job.shard) for job in jobs for offset in range(job.hours)]
    assert sorted(covered) == sorted((hour, shard) for hour in hours for shard in range(3))
    assert len({job.part_name for job in jobs}) == len(jobs)


def test_a_continuation_finishes_the_part_it_came_from() -> None:
    first = HourJob(hour=_at(12), hours=3, shard=1)
    second = replace(first, after="42#calls#2026-11")
    assert first.part_name == second.part_name == "hour:2026-11-20T12:1"
    assert list(second.covered) == [_at(12), _at(13), _at(14)]


def test_a_continuation_by_an_earlier_release_begins_anew_in_its_hour() -> None:
    message = {"job": "hour", "hour": "2026-11-20T13", "hours": 2, "shard": 1, "after": "42#calls#2026-11"}
    job = rating_job({**message, "part": "2026-11-20T12", "run": "run_1"})
    assert job == HourJob(hour=_at(13), hours=2, shard=1, part="2026-11-20T12", run="run_1")
    assert job.part_name == "hour:2026-11-20T12:1"


def test_a_sweep_covers_every_shard_of_the_list() -> None:
    assert [job.list_shard for job in sweep_jobs()] == list(range(16))
    assert {job.charge for job in sweep_jobs("calls")} == {"calls"}


def test_long_spans_are_cut_into_messages_of_a_day() -> None:
    hours = finished_hours(_at(10, 19), NOW, NOW, SETTLING)
    assert hours.count == 26
    assert [job.to_json() for job in hour_jobs(hours, 1)] == [
        {"job": "hour", "hour": "2026-11-19T11", "hours": 24, "shard": 0},
        {"job": "hour", "hour": "2026-11-20T11", "hours": 2, "shard": 0},
    ]
    assert hour_jobs(Hours(_at(12), _at(11)), 2) == []


def test_a_sweep_of_one_charge_names_it() -> None:
    assert sweep_jobs()[0].to_json() == {"job": "sweep", "list_shard": 0}
    assert sweep_jobs("calls")[15].to_json() == {"job": "sweep", "list_shard": 15, "charge": "calls"}


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ({"job": "hour", "hour": "2026-11-20T12", "shard": 3}, "hour:2026-11-20T12:3"),
        ({"job": "hour", "hour": "2026-11-20T13", "part": "2026-11-20T12", "shard": 3}, "hour:2026-11-20T12:3"),
        ({"job": "sweep", "list_shard": 7}, "sweep:7"),
        ({"job": "subscription", "id": "42"}, "subscription:42"),
    ],
)
def test_parts_of_a_run_have_names(message: dict[str, Any], part: str) -> None:
    job = rating_job(message)
    assert not isinstance(job, PairsJob)
    assert job.part_name == part
