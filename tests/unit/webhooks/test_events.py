import pkgutil
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import jsonschema
import pytest

from fusion_billing.catalog.identifiers import MAX_EVENT_FILTERS
from fusion_billing.webhooks import events as events_package
from fusion_billing.webhooks import identifiers
from fusion_billing.webhooks.events import endpoints, order_lines, periods, ratings, subscriptions, usage
from fusion_billing.webhooks.events.payload import EventName, EventType
from fusion_billing.webhooks.events.registry import EVENT_TYPES, check
from fusion_billing.webhooks.filters import filter_faults, matches

FAMILIES = (usage, ratings, periods, order_lines, subscriptions, endpoints)
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def test_the_registry_describes_every_event_name_once() -> None:
    events = [event for family in FAMILIES for event in family.EVENTS]

    assert sorted(event.name for event in events) == sorted(get_args(EventName))
    assert list(EVENT_TYPES) == list(get_args(EventName))


def test_the_registry_reads_every_family_of_events() -> None:
    modules = {module.name for module in pkgutil.iter_modules(events_package.__path__)}

    assert {family.__name__.rpartition(".")[2] for family in FAMILIES} == modules - {"payload", "registry"}


def test_each_payload_belongs_to_one_event() -> None:
    models = [event.model for event in EVENT_TYPES.values()]

    assert len(set(models)) == len(models)


@pytest.mark.parametrize("event", EVENT_TYPES.values(), ids=list(EVENT_TYPES))
def test_each_example_matches_its_schema(event: EventType) -> None:
    check(event.name, event.example)
    jsonschema.validate(dict(event.example), event.model.model_json_schema())
    assert event.summary.endswith(".")


@pytest.mark.parametrize(
    ("filters", "type_", "match"),
    [
        (["*"], "rating.updated", True),
        (["rating.updated"], "rating.updated", True),
        (["rating.*"], "rating.updated", True),
        (["rating.*"], "ratings.updated", False),
        (["rating.*"], "rating", False),
        (["rating"], "rating.updated", False),
        (["line.*", "rating.*"], "rating.updated", True),
        ([], "rating.updated", False),
        (["line.parked"], "line.failed", True),
        (["line.failed"], "line.parked", True),
        (["line.parked"], "line.upserted", False),
    ],
)
def test_a_filter_takes_a_type_a_family_or_everything(filters: list[str], type_: str, *, match: bool) -> None:
    assert matches(filters, type_) is match


@pytest.mark.parametrize("filters", [["*"], ["rating.*", "line.failed"], ["line.parked"], ["endpoint.test"]])
def test_good_filters_have_no_faults(filters: list[str]) -> None:
    assert filter_faults(filters, EVENT_TYPES) == []


@pytest.mark.parametrize(
    ("filters", "faults"),
    [
        (None, [("events", "not_a_list")]),
        ("*", [("events", "not_a_list")]),
        ([], [("events", "empty")]),
        (["*"] * (MAX_EVENT_FILTERS + 1), [("events", "too_many")]),
        (["*", 7, ""], [("events.1", "not_a_string"), ("events.2", "unknown_event")]),
        (
            ["rating.update", "ratings.*", ".*", "*.updated"],
            [(f"events.{n}", "unknown_event") for n in range(4)],
        ),
    ],
)
def test_bad_filters_are_refused_each_by_its_place(filters: Any, faults: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in filter_faults(filters, EVENT_TYPES)] == faults


def test_ids_sort_by_time_and_a_time_sorts_between_them() -> None:
    random = bytes.fromhex("ffffffffffffffffffff")
    moments = [NOW + timedelta(milliseconds=step) for step in (0, 1, 1000, 10**9)]
    ids = [identifiers.event_id(moment, random) for moment in moments]
    assert ids == sorted(ids)
    assert ids[0] < identifiers.first_event_id(moments[1]) < ids[1]
    assert len(ids[0]) == 30


def test_a_deliverys_public_id_names_its_endpoint_and_event() -> None:
    endpoint, event = identifiers.endpoint_id(bytes(10)), identifiers.event_id(NOW, bytes(10))
    assert identifiers.split_delivery_id(identifiers.delivery_id(endpoint, event)) == (endpoint, event)
    for wrong in ("", "ep_1", "ep_1~", "~msg_1", "msg_1~ep_1"):
        assert identifiers.split_delivery_id(wrong) is None
