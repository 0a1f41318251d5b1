"""What `sam local` needs beside the repository: `.local/run/sam-local.json` and `.local/run/ingest.json`.

Both hold secrets of the demo, so they are written where git does not look, for their owner alone.
"""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from fusion_billing.outbound.configuration import LOOPBACK
from local.artefacts import ROOT
from local.cloud import Cloud

HOST = "host.docker.internal"
"""The name under which a container reaches this machine."""

_FUNCTIONS = ("IngestFunction", "RateFunction", "RelayFunction", "AdminFunction")


def write(folder: Path, cloud: Cloud, *, odoo_port: int, key: str, today: date) -> None:
    """Write both files into `folder`: the functions' variables, and the sample push with `key`, of the day before."""
    _write(folder / "sam-local.json", variables(cloud, odoo_port=odoo_port))
    event = json.loads((ROOT / "events" / "ingest.json").read_text())
    event["headers"]["authorization"] = f"Bearer {key}"
    window = {"period_start": f"{today - timedelta(days=1)}T00:00:00Z", "period_end": f"{today}T00:00:00Z"}
    event["body"] = json.dumps(json.loads(event["body"]) | window)
    _write(folder / "ingest.json", event)


def variables(cloud: Cloud, *, odoo_port: int) -> dict[str, dict[str, str]]:
    """Return the content of the file that `sam local --env-vars` takes.

    The deployed functions' own variables, but for the addresses: loopback is the container itself.
    """
    values = {name: value for function in _FUNCTIONS for name, value in _deployed(cloud, function).items()}
    values.pop("POWERTOOLS_SERVICE_NAME")
    values["AWS_ENDPOINT_URL"] = f"http://{HOST}:{cloud.port}"
    values["ODOO_URL"] = f"http://{HOST}:{odoo_port}"
    values[LOOPBACK] = HOST
    return {"Parameters": values}


def _deployed(cloud: Cloud, function: str) -> dict[str, str]:
    configuration: dict[str, Any] = cloud.client("lambda").get_function_configuration(
        FunctionName=cloud.outputs[function]
    )
    found: dict[str, str] = configuration["Environment"]["Variables"]
    return found


def _write(path: Path, content: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n")
