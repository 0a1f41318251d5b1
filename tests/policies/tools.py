"""The tools, each run in the environment `.venv-policy`, and their findings in one shape. None uses the network."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.policies.findings import Finding

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-policy" / "bin"
RULES = Path(__file__).with_name("template.guard")

_EVALUATE = """
import json, sys, guardpycfn
template, rules = json.load(sys.stdin)
json.dump([guardpycfn.validate_with_guard(template, rule)["result"] for rule in rules], sys.stdout)
"""


class Failed(Exception):
    """A tool did not do its work; its output is the message."""


def checkov(template: Path) -> Iterator[Finding]:
    """Yield what checkov finds."""
    command = ["checkov", "--file", str(template), "--framework", "cloudformation", "--skip-download"]
    reported = json.loads(_run([*command, "--quiet", "--output", "json"], {0, 1}))
    if not reported["summary"]["passed"] or reported["summary"]["parsing_errors"]:
        raise Failed(f"checkov could not read {template.name}: {reported['summary']}")
    for failed in reported["results"]["failed_checks"]:
        yield Finding(failed["check_id"], failed["resource"].rpartition(".")[2], failed["check_name"])


def cfn_lint(template: Path) -> Iterator[Finding]:
    """Yield what cfn-lint finds with its own rules and those for serverless applications."""
    command = ["cfn-lint", "--template", str(template), "--append-rules", "cfn_lint_serverless.rules"]
    for match in json.loads(
        _run([*command, "--regions", "us-east-1", "--format", "json"], {0, 2, 4, 6, 8, 10, 12, 14})
    ):
        section, *path = match["Location"]["Path"] or ["template"]
        yield Finding(match["Rule"]["Id"], path[0] if section == "Resources" else section, match["Message"])


def guard(template: Path) -> Iterator[Finding]:
    """Yield what CloudFormation Guard finds with our own rules."""
    names, rules = _guard_rules()
    results = json.loads(_run(["python", "-c", _EVALUATE], {0}, json.dumps([template.read_text(), rules])))
    for name, result in zip(names, results, strict=True):
        if isinstance(result, str):  # more than the binding can pack
            yield Finding(name, "template", f"many resources break it: {result[-200:]}")
        elif result["status"] == "FAIL":
            yield from _of_rule(name, result)


def guard_rule_names() -> list[str]:
    """Return the names of our own rules."""
    return _guard_rules()[0]


def _guard_rules() -> tuple[list[str], list[str]]:
    """Return the rules' names, and each as a document of its own: the binding reports one at a time whole."""
    variables, *rules = re.split(r"^(?=rule )", RULES.read_text(), flags=re.MULTILINE)
    return [rule.split()[1] for rule in rules], [variables + rule for rule in rules]


def _of_rule(name: str, result: dict[str, Any]) -> Iterator[Finding]:
    text = json.dumps(result["not_compliant"])
    broken = set(re.findall(r'"path": "/Resources/(\w+)', text)) or {"template"}
    messages = re.findall(r'"custom_message": "([^"]+)"', text)
    yield from (Finding(name, resource, messages[0] if messages else name) for resource in broken)


def _run(command: list[str], allowed: set[int], given: str = "") -> str:
    """Return what a tool of the environment prints."""
    name, *arguments = command
    # Nothing of this machine's settings: neither an account nor a proxy.
    environment = {"PATH": os.environ["PATH"], "HOME": str(ROOT / ".local"), "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [str(ENVIRONMENT / name), *arguments], input=given, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in allowed:
        raise Failed(f"{name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout
