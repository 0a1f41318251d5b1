"""A rating's document and history are packed together, and come out as they went in."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.billing.large_documents import canonical
from fusion_billing.billing.rating import HISTORY, HistoryEntry
from fusion_billing.dynamodb.ratings import packed_documents
from fusion_billing.dynamodb.ratings.packed_documents import pack, unpack
from fusion_billing.dynamodb.ratings.packed_history import PackedHistory
from fusion_billing.instants import rfc3339

STORED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data/rating_documents.json").read_text())
START = datetime(2026, 11, 1, tzinfo=UTC)
ITEM_BYTES = 1024
_OTHER_BYTES = 300
"""Of an item besides the document and the history: keys, its place in the index, digest, amount, version."""

instants = st.timedeltas(timedelta(0), timedelta(days=60_000)).map(lambda since: START + since)
entries = st.builds(
    HistoryEntry,
    st.integers(1, 10**6),
    st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,12})?", fullmatch=True),
    st.from_regex(r"-?[0-9]{1,9}\.[0-9]{2}", fullmatch=True),
    st.one_of(instants, instants.map(lambda at: at.replace(microsecond=0))).map(rfc3339),
    st.sampled_from([None, "usage", "definition", "subscription", "run", "invoice"]),
)


def _hourly(count: int) -> list[HistoryEntry]:
    at = [START + timedelta(hours=number, seconds=number * 37 % 53) for number in range(count)]
    return [
        HistoryEntry(
            700 + number, f"{100_000 + number * 731}.5", f"{400 + number * 2.93:.2f}", rfc3339(at[number]), "usage"
        )
        for number in range(count)
    ]


@given(st.lists(entries, max_size=60), entries)
def test_a_history_comes_out_as_it_went_in(history: Sequence[HistoryEntry], newest: HistoryEntry) -> None:
    document, found = unpack(pack('{"steps":"\\n"}', history, newest))
    assert document == '{"steps":"\\n"}'
    assert tuple(found) == (*history, newest)[-HISTORY:]
    assert found.unit_times() == [(entry.units, datetime.fromisoformat(entry.at)) for entry in found]


def test_a_history_holds_the_latest_fifty_versions() -> None:
    assert HISTORY == 50
    packed = PackedHistory.of(_hourly(HISTORY)).followed_by(_hourly(1)[0])
    assert len(packed) == HISTORY


@given(st.lists(entries, min_size=1, max_size=60))
def test_versions_are_added_without_reading_those_before(history: Sequence[HistoryEntry]) -> None:
    packed = PackedHistory("")
    for entry in history:
        packed = PackedHistory(packed.followed_by(entry).text)
    assert packed == tuple(history[-HISTORY:])
    assert len(packed) == len(history[-HISTORY:])


@pytest.mark.parametrize("name", STORED)
def test_a_document_with_a_full_history_fits_a_write_unit(name: str) -> None:
    document = canonical(STORED[name])
    history = _hourly(HISTORY + 10)
    packed = pack(document, history[:-1], history[-1])
    assert len(packed) + _OTHER_BYTES < ITEM_BYTES
    found, versions = unpack(packed)
    assert (found, tuple(versions)) == (document, tuple(history[-HISTORY:]))


def test_the_dictionary_that_stored_items_need_is_what_it_was() -> None:
    digest = hashlib.sha256(packed_documents._DICTIONARY_1).hexdigest()
    assert digest == "de5c5211d820a1f1c6ee77e34ca5bc249cedf95f4f8a9b62792e6bc7c97cd7b0"


def test_what_a_later_release_packed_is_refused_by_its_format() -> None:
    with pytest.raises(ValueError, match="format 2"):
        unpack(b"\x02" + pack("{}", (), _hourly(1)[0])[1:])
