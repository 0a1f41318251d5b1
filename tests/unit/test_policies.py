"""Findings in the template: what no exception accepts is to be corrected, and so is an exception that is not needed."""

import pytest

from tests.policies.findings import EXCEPTIONS, Accepted, Finding, complaints, exceptions

FOUND = Finding("CHECK_1", "UsageTable", "Every table is blue")
ACCEPTED = Accepted("CHECK_1", frozenset({"UsageTable"}), "Nobody sees it.")


def test_an_accepted_finding_is_no_complaint() -> None:
    assert list(complaints([FOUND], [ACCEPTED])) == []


@pytest.mark.parametrize(
    "accepted",
    [
        Accepted("CHECK_2", frozenset({"UsageTable"}), "Another check."),
        Accepted("CHECK_1", frozenset({"StateTable"}), "Another table."),
    ],
)
def test_a_finding_that_no_exception_accepts_is_a_complaint(accepted: Accepted) -> None:
    assert "UsageTable: Every table is blue (CHECK_1)" in complaints([FOUND], [accepted])


def test_an_exception_that_is_not_needed_is_a_complaint() -> None:
    assert list(complaints([], [ACCEPTED])) == [
        "UsageTable: passes CHECK_1: remove it from the exception in exceptions.yaml"
    ]


def test_an_exception_is_not_needed_for_a_resource_that_passes() -> None:
    both = Accepted("CHECK_1", frozenset({"UsageTable", "StateTable"}), "Nobody sees them.")

    assert len(list(complaints([FOUND], [both]))) == 1


@pytest.mark.parametrize("entry", ["{check: A, resources: [B]}", "{check: A, resources: [], reason: Why}"])
def test_an_exception_needs_a_reason_and_a_resource(entry: str) -> None:
    with pytest.raises(ValueError, match="must name its resources and its reason"):
        exceptions(f"[{entry}]")


def test_the_exceptions_are_valid_and_each_check_has_one() -> None:
    accepted = exceptions(EXCEPTIONS.read_text())

    assert len({exception.check for exception in accepted}) == len(accepted)
