"""The Python client on the deployed template: a meter's counts arrive exactly, and every list can be read."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from local.artefacts import ROOT
from local.run import Running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CLIENT = ROOT / ".venv-client" / "bin" / "python"

SCRIPT = """
import json, os, sys
from decimal import Decimal
from fusion_billing_client import Client, Meter

with Client(os.environ["BASE_URL"], os.environ["KEY"], timeout=60) as client:
    with Meter(client, sys.argv[1]) as meter:
        for _ in range(7):
            meter.count("4103", "api_calls", 3)
        meter.flush()
        rejected = list(meter.rejected())
    with Meter(client, sys.argv[1]) as again:
        again.count("4103", "api_calls", Decimal("0.5"))
        again.flush()
    usage = client.subscriptions.usage("4103")
    units = {metric.metric: str(metric.units) for metric in usage.metrics}
    names = [subscription.customer_name for subscription in client.subscriptions.list()]
print(json.dumps({"units": units, "rejected": len(rejected), "names": names}))
"""


@pytest.mark.skipif(not CLIENT.exists(), reason="`make test-clients` makes the client's environment")
def test_counts_of_a_meter_arrive_exactly_on_the_deployed_service(running: Running, tmp_path: Path) -> None:
    before = units(running)
    environment = {**os.environ, "BASE_URL": running.cloud.base_url, "KEY": running.key}
    environment["PYTHONPATH"] = str(ROOT / "clients" / "python" / "src")
    done = subprocess.run(
        [str(CLIENT), "-c", SCRIPT, str(tmp_path / "usage.db")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert seen["rejected"] == 0
    assert float(seen["units"]["api_calls"]) == before + 7 * 3 + 0.5 == units(running)
    assert "Ateliers Belleville" in seen["names"]


def units(running: Running) -> float:
    """Return the units of API calls of the yearly subscription, whose open period holds today."""
    usage = running.service.call("GET", "/v1/subscriptions/4103/usage")
    [metric] = [metric for metric in usage["metrics"] if metric["metric"] == "api_calls"]
    return float(metric["units"])
