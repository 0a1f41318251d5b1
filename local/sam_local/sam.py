"""`sam local`: single invocations, the API, and the Lambda endpoint, all in containers of one image."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import artefacts
from local.processes import Child, Failed, tail

_SECONDS = 300.0
_UNSET = "        AWS_ENDPOINT_URL:\n          Ref: AWS::NoValue\n"
"""A variable of every function, as the built template has it."""


def template_with_variable(built: Path, variable: str) -> Path:
    """Return a copy of a built template, beside it, whose functions have `variable` too, unset.

    `sam local` sets no variable that the template does not name, and template.yaml never names this one.
    """
    text = built.read_text()
    if _UNSET not in text:
        raise Failed(f"{built} does not name AWS_ENDPOINT_URL as expected")
    copy = built.with_name("template-for-containers.yaml")
    copy.write_text(text.replace(_UNSET, _UNSET + _UNSET.replace("AWS_ENDPOINT_URL", variable)))
    return copy


@dataclass(frozen=True, slots=True)
class Sam:
    """`sam local` for one built template.

    Attributes:
        template: The built template.
        variables: The file with the functions' environment variables.
        environment: The environment of `sam` itself.
        logs: The folder for logs.
        host: The name under which containers reach this machine, and its address.
        image: The base image.
    """

    template: Path
    variables: Path
    environment: Mapping[str, str]
    logs: Path
    host: tuple[str, str]
    image: str

    def invoke(self, function: str, event: Path) -> Any:
        """Invoke a function once in a container of its own and return its response; raises `Failed`."""
        command = self._command("invoke", function, "--event", str(event))
        log = self.logs / "invoke.log"
        with log.open("ab") as errors:
            done = subprocess.run(
                command,
                env=dict(self.environment),
                stdout=subprocess.PIPE,
                stderr=errors,
                check=False,
                timeout=_SECONDS,
                cwd=artefacts.ROOT,
            )
        lines = [line for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
        if done.returncode or not lines:
            raise Failed(f"sam local invoke {function} failed. The end of {log}:\n{tail(log, 30)}")
        try:
            return json.loads(lines[-1])
        except ValueError:
            raise Failed(f"sam local invoke {function} returned no JSON: {lines[-1][:500]}") from None

    @contextlib.contextmanager
    def serving(self, kind: str, port: int) -> Iterator[str]:
        """Run `start-api` or `start-lambda` and yield its base URL."""
        log = self.logs / f"{kind}.log"
        command = self._command(kind, "--port", str(port), "--warm-containers", "LAZY")
        child = Child(f"sam local {kind}", command, self.environment, log)
        try:
            child.wait_until(lambda: "CTRL+C" in log.read_text(errors="replace"), _SECONDS)
            time.sleep(0.5)  # it says so just before it listens
            yield f"http://127.0.0.1:{port}"
        finally:
            child.stop()

    def _command(self, kind: str, *arguments: str) -> list[str]:
        values = [f"{name}={value}" for name, value in artefacts.parameters().items()]
        name, address = self.host
        return [
            *(str(artefacts.python().parent / "sam"), "local", kind, *arguments),
            *("--template-file", str(self.template), "--env-vars", str(self.variables)),
            *("--parameter-overrides", *values),
            *("--add-host", f"{name}:{address}", "--skip-pull-image", "--invoke-image", self.image),
        ]
