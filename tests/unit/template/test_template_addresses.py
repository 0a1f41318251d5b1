"""What the parameters of allowed addresses accept."""

import re
from typing import Any

import pytest

from fusion_billing.http.source_address import PARAMETERS

GOOD = (
    "",
    "198.51.100.0/24",
    "198.51.100.7",
    "198.51.100.0/24,2001:db8::/32",
    "198.51.100.0/24, 203.0.113.0/25 ::1",
    "2001:db8:1:2:3:4:5:6/128",
    "::/0",
)
BAD = (
    "office",
    "10.0.0",
    "10.0.0.0/33",
    "256.0.0.1",
    "2001:db8/32",
    "10.0.0.1/8;10.0.0.2",
    ",",
    "10.0.0.0/8,",
    "::/129",
)


@pytest.mark.parametrize("parameter", PARAMETERS.values())
def test_malformed_blocks_fail_at_the_deployment(template: dict[str, Any], parameter: str) -> None:
    declared = template["Parameters"][parameter]
    assert declared["Default"] == ""
    assert [text for text in GOOD if not re.fullmatch(declared["AllowedPattern"], text)] == []
    assert [text for text in BAD if re.fullmatch(declared["AllowedPattern"], text)] == []
    assert "198.51.100.0/24" in declared["ConstraintDescription"]
