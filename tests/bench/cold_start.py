"""Measure cold starts: each function of the built artifacts against `import boto3` and one client.

Each measurement is a fresh process of this Python, beside one of the floor. It sees only the artifacts, as on
Lambda, not the packages of this environment. Its own CPU counts, from the start of Python until the function has
everything that it keeps while its container is warm: clients, stores, log.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import artefacts
from tests.bench.harness import Figure, Progress, Taken, by_turns, ratio

_ROUNDS = 15
_INGEST_BOUND, _BOUND = 1.3, 1.8

_ADMIN = "import functions.admin.handler; from functions.admin import access_dependencies as a, dependencies as d; "

_RELAY = (
    "import functions.relay.handler; from functions.relay import dependencies as d; "
    "d.logger(); d.metrics(); d.queue(); "
)

# A route's module is imported when its first request comes, so a cold start of admin has one of them in it.
_ADMIN_TOPICS = {
    "a metric": "metrics",
    "a subscription": "subscriptions",
    "a subscription's ratings": "ratings",
    "usage records": "usage",
    "an endpoint": "endpoints",
    "an estimate": "estimates",
}

_CHILD = """
import json, sys, time
sys.path[:0] = {paths!r}
compiled = []
from importlib.machinery import SourceFileLoader
original = SourceFileLoader.source_to_code
def noted(self, data, path, **options):
    compiled.append(path)
    return original(self, data, path, **options)
SourceFileLoader.source_to_code = noted
before = time.process_time()
{code}
spent = time.process_time() - before
print(json.dumps({{"ms": spent * 1000, "compiled": compiled, "modules": sorted(sys.modules)}}))
"""


@dataclass(frozen=True, slots=True)
class Start:
    """One kind of start: the artifacts that it sees (None: only the layer), and what it imports and creates."""

    function: str | None
    code: str


FLOOR = Start(None, "import boto3; boto3.client('dynamodb')")

STARTS: Mapping[str, Start] = {
    "ingest": Start("Ingest", "from functions.ingest.handler import app; app()"),
    "rate": Start(
        "Rate",
        "import functions.rate.handler; from functions.rate import dependencies as d; "
        "d.worker(); d.planner_state(); d.queue(); d.logger(); d.metrics()",
    ),
    "relay, lines and deliveries": Start(
        "Relay",
        f"{_RELAY}from functions.relay import deliveries, delivery_dependencies; "
        "d.line_relay(lambda: 60.0); delivery_dependencies.dependencies()",
    ),
    "relay, subscriptions": Start("Relay", f"{_RELAY}d.subscription_sync(lambda: 60.0)"),
    **{
        f"admin, {name}": Start(
            "Admin", f"{_ADMIN}import functions.admin.routes.{topic}; a.authenticator(); d.catalog()"
        )
        for name, topic in _ADMIN_TOPICS.items()
    },
}


def run(*, full: bool) -> list[Figure]:
    """Measure every function's start."""
    folder = artefacts.built(os.environ, Path("build/bench-sam-build.log")).parent
    # The floor before each: a machine that is slower for a while is so for both.
    taken = _by_turns([one for start in STARTS.values() for one in (FLOOR, start)], folder)
    figures = [
        ratio(
            "cold start",
            name,
            taken,
            counterpart="import boto3, one client",
            bound=_INGEST_BOUND if name == "ingest" else _BOUND,
            index=2 * place + 1,
            against=2 * place,
        )
        for place, name in enumerate(STARTS)
    ]
    size = sum(path.stat().st_size for path in folder.glob("*/**/*") if path.is_file())
    return [*figures, Figure("cold start", "all artifacts, unpacked", size / 1e6, "MB", size / 1e6)]


def _by_turns(starts: list[Start], folder: Path) -> Taken:
    """Measure in separate processes; `by_turns` keeps the order, and the processes report their time."""
    told = 0.0

    def clock() -> float:
        return told

    def prepared(start: Start) -> Callable[[], None]:
        def work() -> None:
            nonlocal told
            answer = started(start, folder)
            assert not answer["compiled"], f"compiled at import: {answer['compiled'][:3]}"
            told += answer["ms"] / 1000

        return work

    progress = Progress("cold start", _ROUNDS)
    prepares = [lambda start=start: prepared(start) for start in starts]
    return by_turns(prepares, repeats=_ROUNDS, progress=progress, clock=clock)


def started(start: Start, folder: Path) -> dict[str, Any]:
    """Start once in a fresh process; return its CPU in `ms`, the sources that it `compiled` and its `modules`."""
    paths = [str(folder / "FusionBillingLayer" / "python")]
    if start.function is not None:
        paths.append(str(folder / f"{start.function}Function"))
    child = _CHILD.format(paths=paths, code=start.code)
    done = subprocess.run(
        # Neither this environment's packages nor its settings; no bytecode is written where there is none.
        [sys.executable, "-I", "-S", "-B", "-c", child],
        env=_environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"could not start {start.code}:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _environment() -> dict[str, str]:
    """Return the settings that a function needs before the first call."""
    tables = ("USAGE", "WINDOW_USAGE", "MARKERS", "CATALOG", "RATINGS", "WEBHOOKS", "STATE")
    return {
        "PATH": os.defpath,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{platform.python_version()}",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "POWERTOOLS_METRICS_NAMESPACE": "FusionBilling",
        **{f"{table}_TABLE": table.lower() for table in tables},
        "RATING_QUEUE_URL": "http://127.0.0.1/rating",
        "RELAY_QUEUE_URL": "http://127.0.0.1/relay",
        "ENDPOINT_KEY_ARN": "arn:aws:kms:us-east-1:000000000000:key/bench",
        "ODOO_URL": "https://odoo.example",
        "ODOO_DATABASE": "bench",
        "ODOO_API_KEY_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:bench",
    }
