"""What the stack costs a month without a single counter: what template.yaml makes, and what its schedules do."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cost_model import HOURS, PRICES

_ROOT = Path(__file__).resolve().parents[2]

_ALARM, _METRIC, _KEY, _SECRET, _DASHBOARD = 0.10, 0.30, 1.00, 0.40, 3.00
_RECOVERY_GB = 0.20
_SQS_REQUEST, _INVOCATION = 0.40e-6, 1.00e-6
_POLLS_AN_HOUR = 5 * 180
"""Five pollers of a queue, each waiting 20 s."""
_SCHEDULED_AN_HOUR = 30 + 6 + 2 + 2 / 24
_SCHEDULED_MS = 150.0
_LOG_GB = 0.05
_FREE_METRICS = _FREE_ALARMS = 10
_FREE_DASHBOARDS = 3
_FREE_SQS = 1_000_000
_BILLED = (
    "AWS::CloudWatch::Alarm",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
    "AWS::CloudWatch::Dashboard",
)
_SPARSE = frozenset({"SweepsPlanned", "OdooKeyRenewals"})
"""Metrics of a daily run: an hour of each day is billed."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A monthly cost: what, how many, and dollars at list price and after what AWS always gives an account free."""

    what: str
    count: str
    dollars: float
    after_free: float


def fixed_costs() -> list[Fixed]:
    """Return the monthly costs of an idle stack."""
    return list(_fixed())


def _fixed() -> Iterator[Fixed]:
    template = (_ROOT / "template.yaml").read_text()
    types = Counter(re.findall(r"^    Type: (AWS::\S+)", template, re.MULTILINE))
    keys, secrets = (types[f"AWS::{name}"] for name in ("KMS::Key", "SecretsManager::Secret"))
    alarms = _alarm_metrics(template)
    yield Fixed("metrics of alarms", str(alarms), alarms * _ALARM, max(0, alarms - _FREE_ALARMS) * _ALARM)
    names = _metric_names() | frozenset(re.findall(r"^ +MetricName: (Usage\w+)$", template, re.MULTILINE))
    billed = len(names - _SPARSE) + len(names & _SPARSE) / 24
    yield Fixed("metrics of our own", str(len(names)), billed * _METRIC, max(0, billed - _FREE_METRICS) * _METRIC)
    yield Fixed("KMS keys", str(keys), keys * _KEY, keys * _KEY)
    yield Fixed("secrets", str(secrets), secrets * _SECRET, secrets * _SECRET)
    dashboards = types["AWS::CloudWatch::Dashboard"]
    yield Fixed(
        "dashboards", str(dashboards), dashboards * _DASHBOARD, max(0, dashboards - _FREE_DASHBOARDS) * _DASHBOARD
    )
    polls = 2 * _POLLS_AN_HOUR * HOURS
    yield Fixed(
        "polling of two queues", f"{polls / 1e6:.1f} M", polls * _SQS_REQUEST, max(0, polls - _FREE_SQS) * _SQS_REQUEST
    )
    runs = _SCHEDULED_AN_HOUR * HOURS
    compute = runs * (_INVOCATION + PRICES.lambda_request + _SCHEDULED_MS / 1000 * PRICES.lambda_gb_second)
    yield Fixed("scheduled runs that find nothing", f"{runs:,.0f}", compute, compute)
    tables = types["AWS::DynamoDB::Table"]
    yield Fixed(f"point-in-time recovery of {tables} tables", "0.1 GB", 0.1 * _RECOVERY_GB, 0.1 * _RECOVERY_GB)
    yield Fixed("log lines of these runs", f"{_LOG_GB:.2f} GB", _LOG_GB * PRICES.log_gb, _LOG_GB * PRICES.log_gb)


def _alarm_metrics(template: str) -> int:
    """Return how many metrics the alarms watch, which is what is billed: one each, or those of an expression."""
    resources = re.split(r"^  (?=\w)", template, flags=re.MULTILINE)
    alarms = [resource for resource in resources if "\n    Type: AWS::CloudWatch::Alarm\n" in resource]
    return sum(max(1, alarm.count("MetricStat:")) for alarm in alarms)


def _metric_names() -> frozenset[str]:
    code = "\n".join(path.read_text() for path in (_ROOT / "functions").rglob("*.py"))
    named = re.findall(r"""add_metric\(\s*"(\w+)\"""", code)
    published = [name for call in re.findall(r"_publish\(([^)]*)", code) for name in re.findall(r"\b([A-Z]\w+)=", call)]
    return frozenset([*named, *published])
