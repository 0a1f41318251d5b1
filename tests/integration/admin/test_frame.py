"""The frame every route stands in: who may ask, what is no route, what is no body."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.admin.handler import handler

SAMPLE = Path(__file__).parents[3] / "events" / "admin.json"


def test_health_needs_no_key_and_returns_the_version(admin: Any) -> None:
    answer = admin.get("/v1/health", key="")
    assert answer.status == 200
    assert answer.json == {"status": "ok", "version": "0.1.0"}


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v2/metrics", "/v1/nothing", "/v1/health/", "/v1/health\n", ""])
def test_an_unknown_path_is_a_404_problem(admin: Any, path: str) -> None:
    answer = admin.get(path)
    assert (answer.status, answer.code) == (404, "not_found")


def test_another_method_is_a_405_problem_with_the_allowed_ones(admin: Any) -> None:
    answer = admin.post("/v1/health")
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method_not_allowed", "GET")


def test_the_sample_event_is_accepted(admin: Any) -> None:
    assert handler(json.loads(SAMPLE.read_text()), None)["statusCode"] == 200
