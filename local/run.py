"""`make run`: the whole service on this machine, with its demo.

All data is in one folder and survives a restart. The service listens on loopback only.
"""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

import requests

from fusion_billing.outbound.configuration import LOOPBACK
from local import artefacts, container_settings, guide
from local.cloud import Cloud
from local.demo import catalog, expected, flow, table
from local.demo.calls import Odoo, Service, Unexpected
from local.processes import Child, Failed, alone, free
from local.receiver import Receiver

_LOCAL_ONLY = {LOOPBACK: "1"}
EMBEDDING_ORIGIN = "http://localhost:3000"
"""The origin whose pages may embed `<fusion-usage>`: where development servers of apps usually listen."""


def main(arguments: list[str] | None = None) -> int:
    """Run the service and its demo; return 0, or 1 if a figure is wrong or something cannot start."""
    options = _options().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    if options.reset:
        _say(f"deleting stored data in {options.state}")
        shutil.rmtree(options.state, ignore_errors=True)
    try:
        with Running(options.state, options.port, options.odoo_port, options.receiver_port) as running:
            wrong = running.demo()
            if wrong:
                _say("\nNot as expected:\n" + "\n".join(f"  {line}" for line in wrong) + running.hint())
            if options.once:
                return 1 if wrong else 0
            running.stay()
    except KeyboardInterrupt:
        _say("")
    except (Failed, Unexpected, requests.RequestException) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


class Running:
    """The local cloud, the stand-in Odoo and the webhook receiver, with the template deployed."""

    def __init__(self, folder: Path, port: int, odoo_port: int, receiver_port: int) -> None:
        self.folder = folder
        self._odoo_port = odoo_port
        self._receiver_port = receiver_port
        self.cloud = Cloud(folder / "cloud", port, _LOCAL_ONLY)
        self.odoo = Odoo(f"http://127.0.0.1:{odoo_port}")
        self._began = time.monotonic()
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start everything; what was started is stopped again where something can't be."""
        with contextlib.ExitStack() as started:
            self._start(started)
            self._open = started.pop_all()
        return self

    def __exit__(self, *about: object) -> None:
        """Stop everything, the cloud last but for Odoo, so that it can write down what it holds."""
        self._progress("stopping; stored data stays in " + str(self.folder))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._open.close()

    def _start(self, started: contextlib.ExitStack) -> None:
        free(self._receiver_port, "the webhook receiver", "RECEIVER_PORT")
        free(self._odoo_port, "the stand-in Odoo", "ODOO_PORT")
        free(self.cloud.port, "the local cloud", "PORT")
        self.folder.mkdir(parents=True, exist_ok=True)
        started.enter_context(alone(self.folder))
        self._stored = StoredValues(self.folder / "demo.json")
        self.today = self._first_day()
        self._progress("starting the stand-in Odoo, the webhook receiver and the local cloud")
        odoo = Child("the stand-in Odoo", self._odoo_command(), dict(os.environ), self.folder / "logs" / "odoo.log")
        started.callback(odoo.stop)
        odoo.wait_until(lambda: _answers(self.odoo.url + "/web/version"), 30)
        started.enter_context(self.cloud)
        self.receiver = started.enter_context(Receiver(self._receiver_port, self.folder / "webhooks.jsonl"))
        self._progress("building the functions and deploying template.yaml (the first time takes half a minute)")
        self.cloud.deploy(self._parameters())
        self._prepare()
        container_settings.write(self.folder, self.cloud, odoo_port=self._odoo_port, key=self.key, today=self.today)

    def _parameters(self) -> dict[str, str]:
        return {
            "OdooUrl": self.odoo.url,
            "OdooDatabase": flow.DATABASE,
            "LineCadence": "hourly",
            "PortalOrigins": EMBEDDING_ORIGIN,
        }

    def _first_day(self) -> date:
        """Return the day of the first start, of which the demo's dates are: they stay until the demo begins afresh."""
        now = datetime.now(UTC).date()
        self._stored.set("today", self._stored.get("today") or now.isoformat())
        day = date.fromisoformat(self._stored.get("today"))
        if day < now:
            self._progress(f"the demo's dates are those of {day}; `make run RESET=1` begins afresh with today's")
        return day

    def _prepare(self) -> None:
        """Seed Odoo, hand its key to the service, and get a key and an endpoint of the service's own."""
        self.odoo.control("seed", records=catalog.odoo_records(catalog.subscriptions(self.today)))
        self.odoo.control("add_user", login=catalog.ODOO_LOGIN, role="all_documents")
        odoo_key = self._stored.get("odoo_key") or secrets.token_hex(20)
        self._stored.set("odoo_key", self.odoo.control("add_key", login=catalog.ODOO_LOGIN, key=odoo_key))
        self.cloud.client("secretsmanager").put_secret_value(
            SecretId=self.cloud.outputs["OdooApiKeySecretArn"], SecretString=odoo_key
        )
        portal_secret = self._stored.get("portal_secret") or secrets.token_hex(32)
        self._stored.set("portal_secret", portal_secret)
        self.cloud.client("secretsmanager").put_secret_value(
            SecretId=self.cloud.outputs["PortalSecretArn"], SecretString=json.dumps({"current": portal_secret})
        )
        if not self._stored.get("key") or not Service(self.cloud.base_url, self._stored.get("key")).knows_the_key():
            self._stored.set("key", self._bootstrap())
            self._stored.set("endpoint", "")
        self.service = Service(self.cloud.base_url, self._stored.get("key"))
        endpoint = self._stored.get("endpoint")
        if endpoint and self.service.find(f"/v1/endpoints/{endpoint}") is None:
            self._stored.set("endpoint", "")  # somebody deleted it: it is registered again
        if self._stored.get("endpoint_url") != self.receiver.url or not self._stored.get("endpoint"):
            self._register_receiver()
        self.receiver.trust(self._stored.get("endpoint_secret"))

    def _register_receiver(self) -> None:
        """Register the receiver as a webhook endpoint, and remove one at another port."""
        if self._stored.get("endpoint"):
            self.service.call("DELETE", f"/v1/endpoints/{self._stored.get('endpoint')}")
        requested = {"url": self.receiver.url, "events": [*flow.EVENTS], "description": "The demo's receiver"}
        made = self.service.call("POST", "/v1/endpoints", requested)
        self._stored.set("endpoint", made["id"])
        self._stored.set("endpoint_url", self.receiver.url)
        self._stored.set("endpoint_secret", made["secret"])

    def _bootstrap(self) -> str:
        """Create the operator's first key, with the credentials of the account as on AWS."""
        environment = {**self.cloud.environment(), "CATALOG_TABLE": self.cloud.outputs["CatalogueTable"]}
        command = [sys.executable, "-m", "fusion_billing.bootstrap"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        words = [word for word in done.stdout.split() if word.startswith("fb_")]
        if done.returncode or not words:
            raise Failed(f"the first key could not be created:\n{done.stdout}{done.stderr}")
        return words[0]

    @property
    def key(self) -> str:
        """The operator's API key."""
        return self._stored.get("key")

    @property
    def endpoint(self) -> str:
        """The ID of the receiver's webhook endpoint."""
        return self._stored.get("endpoint")

    @property
    def odoo_key(self) -> str:
        """The API key of the service's user in Odoo."""
        return self._stored.get("odoo_key")

    def demo(self) -> list[str]:
        """Run the demo and print its table; return every figure that is not as expected, in words.

        A demo that somebody changed since its first start may come to other figures, or not go through at all.
        """
        self._changed: list[str] = []
        try:
            wrong = self._demo()
        except Unexpected as error:
            if not self._stored.get("demo_completed"):
                raise
            return [str(error)]
        if not wrong:
            self._stored.set("demo_completed", "yes")
        return wrong

    def hint(self) -> str:
        """Return what to do about a demo that is not as expected, if it was once."""
        if not self._stored.get("demo_completed"):
            return ""
        changed = f" ({', '.join(self._changed)})" if self._changed else ""
        return f"\n\nIt was as expected before: the demo was changed{changed}.\nTo begin afresh: make run RESET=1\n"

    def _demo(self) -> list[str]:
        self._progress("defining two metrics, three charges and four subscriptions")
        self._changed = flow.put_catalog(self.service, self.today)
        self._progress("pushing weeks of counters, with re-sends, corrections and late ones")
        outcomes = flow.push(self.service, self.today)
        self._progress("pushed: " + ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items())))
        self._progress("rating what changed")
        flow.rate(self.service, self.today)
        self._progress("relaying lines to Odoo and webhooks to the receiver")
        flow.relay(self.run_relay, self.odoo, self._stored.get("odoo_key"))
        flow.await_webhooks(self.run_relay, self.receiver)
        flow.add_up(self.service)
        outcome = flow.look(self.service, self.odoo, self._stored.get("odoo_key"), self.receiver, self.today)
        rows = expected.rows(self.today)
        _say("\n" + table.drawn(rows, outcome) + "\n")
        return table.differences(rows, outcome, flow.EVENTS)

    def guide(self) -> str:
        """Return where everything is, the key, and what to look at first."""
        return guide.text(self.cloud.base_url, self.key, self.odoo.url, self.folder)

    def stay(self) -> None:
        """Say where everything is, and stay until Ctrl-C."""
        _say(self.guide())
        while self.cloud.alive():
            time.sleep(1)
        raise Failed("the local cloud has ended by itself; its log is in " + str(self.folder / "cloud" / "logs"))

    def run_relay(self) -> None:
        """Run the relay as its schedule does."""
        response = self.cloud.client("lambda").invoke(
            FunctionName=self.cloud.outputs["RelayFunction"], Payload=b'{"job":"relay"}'
        )
        if response.get("FunctionError"):
            raise Unexpected(f"the relay failed: {response['Payload'].read().decode()[:2000]}")

    def _odoo_command(self) -> list[str]:
        state = str(self.folder / "odoo.sqlite")
        command = [sys.executable, "-m", "local.odoo", "--port", str(self._odoo_port)]
        return [*command, "--database", flow.DATABASE, "--state", state]

    def _progress(self, what: str) -> None:
        _say(f"[{time.monotonic() - self._began:5.1f} s] {what}")


class StoredValues:
    """The demo's keys from one start to the next, in a file that its owner alone can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> str:
        """Return the value stored under `name`, empty if there is none."""
        return self._values.get(name, "")

    def set(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""
        self._values[name] = value
        self._path.touch(mode=0o600)
        self._path.write_text(json.dumps(self._values))


def _answers(url: str) -> bool:
    session = requests.Session()
    session.trust_env = False
    try:
        session.get(url, timeout=2)
    except requests.RequestException:
        return False
    return True


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the table")
    parser.add_argument("--reset", action="store_true", help="delete stored data first")
    parser.add_argument("--port", type=int, default=4566, help="of the local cloud (4566)")
    parser.add_argument("--odoo-port", type=int, default=8069, help="of the stand-in Odoo (8069)")
    parser.add_argument("--receiver-port", type=int, default=8070, help="of the webhook receiver (8070)")
    parser.add_argument("--state", type=Path, default=artefacts.ROOT / ".local" / "run", help="where to keep all")
    return parser


def _leave(*_: object) -> Any:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
