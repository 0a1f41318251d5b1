"""Log lines."""

import json

import pytest

from fusion_billing.http.log import Log


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    Log("ingest")("info", "push", status=201, text="a\nb")
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert json.loads(shown) == {
        "level": "INFO",
        "service": "ingest",
        "message": "push",
        "status": 201,
        "text": "a\nb",
    }


@pytest.mark.parametrize(("level", "lines"), [("debug", 2), ("INFO", 1), ("error", 0), ("nonsense", 1)])
def test_lines_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str], level: str, lines: int) -> None:
    log = Log("ingest", level)
    log("debug", "a")
    log("info", "b")
    assert capsys.readouterr().out.count("\n") == lines
