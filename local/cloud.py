"""The local cloud: ministack on loopback, and the real template deployed onto it.

What it can and can't do is in docs/local-cloud.md. All it keeps is in one folder. No setting of the
surroundings that concerns AWS reaches it, so that it never meets a real account.
"""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from local import artefacts, permissions
from local.deployable import for_local_cloud
from local.processes import Child, Failed, free, tail

STACK = "fusion-billing"
REGION = "us-east-1"

_START_SECONDS = 60.0


class Cloud:
    """One local cloud, kept in `folder` and listening on `port`.

    `settings` are environment variables that the functions inherit: for what is for local running only.
    Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(self, folder: Path, port: int, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.outputs: dict[str, str] = {}
        self._settings = dict(settings)
        self._child: Child | None = None

    @property
    def base_url(self) -> str:
        """The HTTP API's base URL; `/v1` follows. Known once the template is deployed."""
        return f"{self.endpoint}/_aws/execute-api/{self.outputs['ApiId']}"

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Start ministack with its stored state; raises `Failed` if it cannot start."""
        free(self.port, "the local cloud", "PORT")
        ministack = artefacts.python().parent / "ministack"
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)  # what functions of earlier starts unpacked
        (self.folder / "tmp").mkdir(parents=True)
        environment = {
            **self.environment(),
            **self._settings,
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.folder / "s3"),
            "TMPDIR": str(self.folder / "tmp"),
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "local",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }
        self._child = Child("the local cloud", [str(ministack)], environment, self.folder / "logs" / "cloud.log")
        self._child.wait_until(self._ready, _START_SECONDS)

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Build the artefacts for this machine and deploy the template, unless it stands so already."""
        template = artefacts.built(self.environment(), self.folder / "logs" / "build.log")
        values = {**artefacts.parameters(), **parameters}
        requested = {"artefacts": template.parent.name, "parameters": values}
        if self._deployed() != requested or not self._read_outputs():
            self._sam_deploy(for_local_cloud(template), values)
            self._read_outputs()
            self._narrow_the_queues()
            self._note().write_text(json.dumps(requested))
        permissions.allow(self.client("cloudformation"), self.client("iam"), STACK)

    def client(self, service: Any) -> Any:
        """Return a boto3 client of the local cloud, with the account's own rights."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, retries={"mode": "standard", "max_attempts": 2}, read_timeout=330),
        )

    def environment(self) -> dict[str, str]:
        """Return the environment for tools that talk to the local cloud, and to nothing else."""
        remaining = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "SAM_", "MINISTACK_", "FUSION_", "POWERTOOLS_", "VIRTUAL_ENV", "PYTHON"))
        }
        return {
            **remaining,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "SAM_CLI_TELEMETRY": "0",
            "__SAM_CLI_APP_DIR": str(self._sam_folder()),
        }

    def stop(self) -> None:
        """Stop it; it writes down what it holds."""
        if self._child is not None:
            self._child.stop()
            self._child = None
            shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    def alive(self) -> bool:
        """Return whether it runs."""
        return self._child is not None and self._child.alive()

    def _ready(self) -> bool:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"{self.endpoint}/_ministack/ready", timeout=2) as response:
                return bool(response.status == 200)  # noqa: PLR2004
        except OSError:
            return False

    def _sam_folder(self) -> Path:
        """Return the folder of SAM's own settings, which say that it has looked for updates, so that it does not."""
        folder = self.folder / "sam"
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"telemetryEnabled": False, "lastVersionCheck": time.time()}
        (folder / "metadata.json").write_text(json.dumps(settings))
        return folder

    def _note(self) -> Path:
        return self.folder / "deployed.json"

    def _deployed(self) -> object:
        return json.loads(self._note().read_text()) if self._note().exists() else None

    def _sam_deploy(self, template: Path, parameters: Mapping[str, str]) -> None:
        self._note().unlink(missing_ok=True)
        command = [str(artefacts.python().parent / "sam"), "deploy", "--template-file", str(template)]
        command += [
            "--stack-name",
            STACK,
            "--region",
            REGION,
            "--resolve-s3",
            "--capabilities",
            "CAPABILITY_IAM",
        ]
        command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"]
        command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
        log = self.folder / "logs" / "deploy.log"
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise Failed(f"sam deploy failed. The end of {log}:\n{tail(log, 30)}")

    def _narrow_the_queues(self) -> None:
        """Let each queue be worked by two at once: a process each, more of them would choke this machine."""
        functions = self.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": 2})

    def _read_outputs(self) -> bool:
        formation = self.client("cloudformation")
        try:
            stacks = formation.describe_stacks(StackName=STACK)["Stacks"]
        except formation.exceptions.ClientError:
            return False
        outputs = stacks[0].get("Outputs", []) if stacks else []
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in outputs}
        return bool(self.outputs)
