"""Measure a counter: the whole ingest handler, from event to response, against the bare client.

The floor is the same client making the same calls, built beforehand. The rest is parsing, validation,
authentication, the marker and the response. Both call a stub in a process of its own that responds at once, so that
only this process's CPU is measured.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from fusion_billing.access import keys
from tests.bench import stub
from tests.bench.bare import recorded, repeated
from tests.bench.harness import Figure, Progress, by_turns, ratio
from tests.bench.world import client_environment, environment

_SETTINGS = {
    "USAGE_TABLE": "usage",
    "WINDOW_USAGE_TABLE": "window_usage",
    "CATALOG_TABLE": "catalog",
    "MARKERS_TABLE": "markers",
    "STATE_TABLE": "state",
    "CALLER_REQUESTS_PER_SECOND": "10000",  # requests are counted, and none of them is refused
}
_SUBSCRIPTIONS = 50
_ROUNDS = 15
_SINGLES, _SINGLE_ROUNDS = 100, 45
_BATCH_BOUND, _SINGLE_BOUND = 1.5, 1.3


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class _Counters:
    """An endless supply of records with new keys."""

    def __init__(self) -> None:
        self.made = 0

    def records(self, count: int) -> list[dict[str, Any]]:
        return [self._record() for _ in range(count)]

    def _record(self) -> dict[str, Any]:
        self.made += 1
        day = 1 + self.made % 28
        return {
            "idempotency_key": f"bench:{self.made}:api_calls:2026-10-{day:02d}",
            "subscription": str(self.made % _SUBSCRIPTIONS),
            "metric": "api_calls",
            "period_start": f"2026-10-{day:02d}T00:00:00Z",
            "period_end": f"2026-10-{day:02d}T01:00:00Z",
            "quantity": "1250.5",
            "sequence": 7,
        }


def run(*, full: bool) -> list[Figure]:
    """Measure batches of 100 and 500, and single pushes."""
    key = keys.generate()
    with (
        stub.running(_items(key)) as url,
        environment(_SETTINGS | client_environment(url)),
    ):
        return _figures(key.text)


def _figures(key: str) -> list[Figure]:
    from functions.ingest.handler import app, handler  # noqa: PLC0415  it reads the environment set above
    from fusion_billing.dynamodb import client  # noqa: PLC0415

    app.cache_clear()
    counters, context, progress = _Counters(), _Context(), Progress("ingest", _ROUNDS * 2 + _SINGLE_ROUNDS)
    bare = client.dynamodb()

    def push(bodies: list[Any]) -> Callable[[], None]:
        events = [_event(key, body) for body in bodies]

        def work() -> None:
            with redirect_stdout(StringIO()):
                statuses = [handler(event, context)["statusCode"] for event in events]
            assert set(statuses) <= {200, 201}, statuses

        return work

    push([{"records": counters.records(28 * _SUBSCRIPTIONS // 4)}, *counters.records(1)])()  # markers, caches
    figures = []
    for size, times in ((100, 6), (500, 2)):
        with recorded(bare) as calls:
            push([{"records": counters.records(size)} for _ in range(times)])()
        # A key is read anew, and its requests are counted, once a second, which may be now.
        made = [(name, asked) for name, asked in calls if name not in {"get_item", "update_item"}]
        assert {name for name, _ in made} == {"batch_execute_statement"}, "a batch is nothing but its inserts"
        taken = by_turns(
            [
                lambda n=size, t=times: push([{"records": counters.records(n)} for _ in range(t)]),  # type: ignore[misc]
                lambda made=made: repeated(bare, made),  # type: ignore[misc]
            ],
            repeats=_ROUNDS,
            progress=progress,
        )
        figures.append(
            ratio(
                "ingest",
                f"a record, in batches of {size}",
                taken,
                counterpart="the same calls, bare",
                per=size * times,
                bound=_BATCH_BOUND,
            )
        )
    puts = [("put_item", parameters) for parameters in _puts(counters.records(_SINGLES))]
    taken = by_turns(
        [lambda: push(counters.records(_SINGLES)), lambda: repeated(bare, puts)],
        repeats=_SINGLE_ROUNDS,
        progress=progress,
    )
    single = ratio("ingest", "a single", taken, counterpart="bare put_item", per=_SINGLES, bound=_SINGLE_BOUND)
    return [*figures, single]


def _puts(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield plain puts of items of the same size and shape as the handler writes."""
    for record in records:
        pair = f"{record['subscription']}#{record['metric']}"
        entry = {
            "rev": {"N": "1"},
            "q": {"N": "1250.5"},
            "seq": {"N": "7"},
            "at": {"S": "2026-11-22T00:00:00Z"},
        }
        yield {
            "TableName": "usage",
            "Item": {
                "pk": {"S": f"U#src_bench#{record['idempotency_key']}"},
                "tgt": {"S": f"{pair}#{record['period_start']}#{record['period_end']}"},
                "pair": {"S": pair},
                "ws": {"S": record["period_start"]},
                "we": {"S": record["period_end"]},
                "q": {"N": "1250.5"},
                "seq": {"N": "7"},
                "rev": {"N": "1"},
                "at": {"S": "2026-11-22T00:00:00Z"},
                "hist": {"L": [{"M": entry}]},
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        }


def _items(key: keys.NewKey) -> dict[str, Any]:
    """Return the catalog items that the stub returns."""
    items = {
        "catalog|METRIC|api_calls": {"doc": "{}"},
        f"catalog|KEY#{key.id}|KEY": {
            "hash": key.hash,
            "source": "src_bench",
            "created": "2026-11-01T00:00:00Z",
        },
        **{f"catalog|S#{number}|SUB": {"plan": "Pro"} for number in range(_SUBSCRIPTIONS)},
    }
    told: dict[str, Any] = {}
    for place, attributes in items.items():
        _, pk, sk = place.split("|")
        told[place] = {name: {"S": value} for name, value in ({"pk": pk, "sk": sk} | attributes).items()}
    told[f"catalog|KEY#{key.id}|KEY"]["scopes"] = {"L": [{"S": "usage:write"}]}
    return told


def _event(key: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": "POST /v1/usage",
        "rawPath": "/v1/usage",
        "headers": {"authorization": f"Bearer {key}", "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/v1/usage"}, "requestId": "bench"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
