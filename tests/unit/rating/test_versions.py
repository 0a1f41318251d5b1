"""Which price versions are in force in a period."""

from fusion_billing.rating.versions import Part, in_force
from tests.unit.rating.conftest import DAY, START, make_charge

END = START + 30 * DAY
PER_UNIT = {"type": "per_unit", "unit_amount": "1"}
ALWAYS = make_charge(PER_UNIT)
SINCE_THE_START = make_charge(PER_UNIT, valid_from="2026-11-01T00:00:00Z")
SINCE_THE_11TH = make_charge(PER_UNIT, valid_from="2026-11-11T00:00:00Z")


def test_two_versions_are_put_in_order() -> None:
    assert in_force([SINCE_THE_11TH, ALWAYS], START, END) == [
        Part(ALWAYS, START),
        Part(SINCE_THE_11TH, START + 10 * DAY),
    ]


def test_a_version_valid_from_the_start_replaces_the_one_before() -> None:
    assert in_force([ALWAYS, SINCE_THE_START], START, END) == [Part(SINCE_THE_START, START)]
