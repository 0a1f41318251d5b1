"""An hour of changed pairs, marked in batches, is rated by eight workers: nothing lost, the time per pair flat.

`make scale` does the same with a hundred thousand pairs.
"""

import pytest

from tests.bench.scale import Size, hour_of_pairs, measure
from tests.bench.world import engine

pytestmark = pytest.mark.integration

_FLAT = 1.3


def test_a_pair_takes_as_long_among_many_as_among_few() -> None:
    with engine() as url:
        few, many = hour_of_pairs(url, 600), hour_of_pairs(url, 2_400)
    assert many.cpu_ms <= _FLAT * few.cpu_ms


def test_a_large_pair_and_a_customer_of_many_groups_are_rated() -> None:
    assert len(list(measure(Size((), 3_000, 300)))) == 2
