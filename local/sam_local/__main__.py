"""Run `make sam-local`: exit status 0 if every check held, 1 if one did not, 0 with one line if no engine runs here."""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

from fusion_billing.outbound.configuration import LOOPBACK
from local import artefacts, container_settings
from local.demo.calls import Unexpected
from local.processes import Failed
from local.run import Running
from local.sam_local import base_image, engine
from local.sam_local.checks import Place, checks
from local.sam_local.forwarding import forwarded
from local.sam_local.sam import Sam, template_with_variable


def main() -> int:
    """Run the checks and print how long each took."""
    options = _options().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="fusion-sam-local-"))
    log = Progress()
    try:
        _run(options, folder, log)
    except engine.Unavailable as error:
        print(f"make sam-local was skipped: {error}")
        return 0
    except (Failed, Unexpected, requests.RequestException) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    log.step("all checks held")
    return 0


class Progress:
    """Prints each step with the seconds since the start, and its own."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def step(self, name: str) -> None:
        """Print a step that is done."""
        now = time.monotonic()
        print(f"[{now - self._began:6.1f} s] {now - self._last:6.1f} s  {name}", flush=True)
        self._last = now


def _run(options: argparse.Namespace, folder: Path, log: Progress) -> None:
    with contextlib.ExitStack() as stack:
        containers = stack.enter_context(engine.running(folder / "engine"))
        base_image.build(containers, folder)
        containers.check(base_image.IMAGE, *base_image.RUNS_PYTHON)
        log.step(f"container engine and base image ({artefacts.runtime()}, {artefacts.architecture()})")
        running = stack.enter_context(Running(folder / "run", options.port, options.odoo_port, options.receiver_port))
        wrong = running.demo()
        if wrong:
            raise Unexpected("The demo's figures are not as expected:\n" + "\n".join(wrong))
        _pause(running)
        log.step("local cloud with the demo")
        ports = (options.port, options.odoo_port, options.receiver_port)
        stack.enter_context(forwarded(containers.gateway, ports))
        for name in checks(_place(options, folder, containers, running)):
            log.step(name)


def _place(options: argparse.Namespace, folder: Path, containers: engine.Engine, running: Running) -> Place:
    environment = {**running.cloud.environment(), **containers.variables}
    del environment["AWS_ENDPOINT_URL"]  # of this machine; containers have their own
    built = artefacts.built(running.cloud.environment(), folder / "build.log")
    sam = Sam(
        template=template_with_variable(built, LOOPBACK),
        variables=running.folder / "sam-local.json",
        environment=environment,
        logs=folder,
        host=(container_settings.HOST, containers.gateway),
        image=base_image.IMAGE,
    )
    return Place(sam, running, options.api_port, options.lambda_port)


def _pause(running: Running) -> None:
    """Keep the local cloud from running the functions itself, so that containers alone do the work."""
    lambdas: Any = running.cloud.client("lambda")
    for mapping in lambdas.list_event_source_mappings()["EventSourceMappings"]:
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    scheduler: Any = running.cloud.client("scheduler")
    for listed in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=listed["Name"])
        known = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        scheduler.update_schedule(**{name: schedule[name] for name in known}, State="DISABLED")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.sam_local", description=__doc__)
    for name, default in (("port", 4660), ("odoo-port", 8160), ("receiver-port", 8161)):
        parser.add_argument(f"--{name}", type=int, default=int(os.environ.get(name.replace("-", "_").upper(), default)))
    parser.add_argument("--api-port", type=int, default=3060)
    parser.add_argument("--lambda-port", type=int, default=3061)
    return parser


if __name__ == "__main__":
    sys.exit(main())
