"""The endpoint store: versions guard changes, and nothing brings back what is gone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fusion_billing.errors import Conflict

pytestmark = pytest.mark.integration


def test_the_second_of_two_changes_to_one_version_is_refused(relay: Any) -> None:
    read = relay.register("a", "https://example.com/")
    first = relay.endpoints.replace(replace(read, description="first"))
    with pytest.raises(Conflict):
        relay.endpoints.replace(replace(read, description="second"))
    assert relay.endpoints.get("ep_a") == first
    assert first.version == 2


def test_a_change_or_an_attempt_does_not_restore_a_deleted_endpoint(relay: Any) -> None:
    read = relay.register("a", "https://example.com/")
    relay.endpoints.delete("ep_a")
    with pytest.raises(Conflict):
        relay.endpoints.replace(read)
    assert relay.endpoints.note_failure("ep_a", relay.clock()) is None
    relay.endpoints.note_success("ep_a")
    assert not relay.endpoints.disable(replace(read, state="disabled", disabled_at=relay.clock()), [])
    assert relay.endpoints.get("ep_a") is None


def test_failing_since_is_the_first_failure_after_the_last_success(relay: Any) -> None:
    relay.register("a", "https://example.com/")
    first = relay.clock()
    assert relay.endpoints.note_failure("ep_a", first) == first
    assert relay.endpoints.note_failure("ep_a", first + timedelta(days=1)) == first
    relay.endpoints.note_success("ep_a")
    later = first + timedelta(days=2)
    assert relay.endpoints.note_failure("ep_a", later) == later


def test_a_change_does_not_restore_past_failures(relay: Any) -> None:
    relay.register("a", "https://example.com/")
    relay.endpoints.note_failure("ep_a", relay.clock())
    read = relay.endpoints.get("ep_a")
    relay.endpoints.note_success("ep_a")
    changed = relay.endpoints.replace(replace(read, description="moved"))
    assert (changed.description, changed.failing_since) == ("moved", None)
    assert relay.endpoints.get("ep_a") == changed


def test_a_change_preserves_failures_unless_they_are_reset(relay: Any) -> None:
    read = relay.register("a", "https://example.com/")
    failed = relay.clock()
    relay.endpoints.note_failure("ep_a", failed)
    changed = relay.endpoints.replace(replace(read, description="moved"))
    assert changed.failing_since == failed
    assert relay.endpoints.replace(changed, forget_failures=True).failing_since is None
    assert relay.endpoints.get("ep_a").failing_since is None


def test_enabling_removes_the_reason_of_disabling(relay: Any) -> None:
    read = relay.register("a", "https://example.com/")
    off = relay.endpoints.replace(
        replace(read, state="disabled", disabled_at=relay.clock(), disabled_reason="requested")
    )
    assert (off.disabled_at, off.disabled_reason) == (relay.clock(), "requested")
    on = relay.endpoints.replace(replace(off, state="enabled", disabled_at=None, disabled_reason=None))
    assert (on.state, on.disabled_at, on.disabled_reason) == ("enabled", None, None)
    assert relay.endpoints.get("ep_a") == on


def test_an_endpoint_is_disabled_once_and_its_event_with_it(relay: Any, tables: Any) -> None:
    read = relay.register("a", "https://example.com/")
    off = replace(read, state="disabled", disabled_at=relay.clock(), disabled_reason="gone")

    def event(name: str) -> Any:
        return [{"Put": {"TableName": tables.webhooks, "Item": {"pk": {"S": name}, "sk": {"S": "EVENT"}}}}]

    assert relay.endpoints.disable(off, event("first"))
    assert not relay.endpoints.disable(off, event("second"))
    assert relay.endpoints.get("ep_a") == replace(off, version=2)
    for name, there in (("first", True), ("second", False)):
        found = relay.dynamodb.get_item(TableName=tables.webhooks, Key={"pk": {"S": name}, "sk": {"S": "EVENT"}})
        assert ("Item" in found) is there


def test_endpoints_are_listed_by_source_and_page(relay: Any) -> None:
    for index in range(5):
        relay.register(f"{index}", "https://example.com/", source="src_a" if index % 2 == 0 else "src_b")

    def pages(source: str | None, limit: int) -> list[list[str]]:
        got, after = [], None
        while True:
            found, after = relay.endpoints.listing(source=source, limit=limit, after=after)
            got.append([one.id for one in found])
            if after is None:
                return got

    assert pages(None, 2) == [["ep_0", "ep_1"], ["ep_2", "ep_3"], ["ep_4"]]
    assert pages("src_a", 2) == [["ep_0", "ep_2"], ["ep_4"]]
    assert pages("src_b", 2) == [["ep_1", "ep_3"]]
    assert pages("src_c", 2) == [[]]
