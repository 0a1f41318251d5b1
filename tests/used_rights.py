"""The rights that the functions used in the integration tests, as recorded in `used_rights.json`.

A test of the template compares the grants with the record, so that a right that nothing uses fails, as a missing one
does. Each integration test fails if a function uses what its role does not grant. After a whole run of
`tests/integration`, the record itself is compared: what it has and no test used any more fails the run.

    RECORD_RIGHTS=1 make test TESTS=tests/integration    # writes the record anew
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.rights import Use

RECORD = Path(__file__).with_name("used_rights.json")
WHOLE = Path(__file__).with_name("integration")
NOTED = pytest.StashKey[set[tuple[str, Use]]]()

_Document = Mapping[str, Mapping[str, Mapping[str, list[str]]]]
"""Keys by action, by resource, by function."""


def recorded() -> set[tuple[str, Use]]:
    """Return the recorded use: functions and the rights they used."""
    return read(json.loads(RECORD.read_text()))


def read(document: _Document) -> set[tuple[str, Use]]:
    """Return the rights that a document has."""
    return {
        (function, Use(action, resource, key))
        for function, resources in document.items()
        for resource, actions in resources.items()
        for action, keys in actions.items()
        for key in keys
    }


def document(used: Iterable[tuple[str, Use]]) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return rights as the document to record."""
    made: dict[str, dict[str, dict[str, list[str]]]] = {}
    for function, use in sorted(used):
        made.setdefault(function, {}).setdefault(use.resource, {}).setdefault(use.action, []).append(use.key)
    return made


def finish(session: pytest.Session) -> None:
    """Hand what this process noted to the one that started it, or compare it with the record after a whole run."""
    used = session.config.stash[NOTED]
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["rights"] = document(used)
    elif os.environ.get("RECORD_RIGHTS"):
        RECORD.write_text(json.dumps(document(used | (recorded() if RECORD.exists() else set())), indent=1) + "\n")
    elif _is_whole(session):
        unused = recorded() - used
        if unused:
            print(f"\nRecorded in {RECORD.name} and used by no test any more: {sorted(unused)}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_whole(session: pytest.Session) -> bool:
    """Return whether all integration tests were to run and passed: a part of them uses a part of the rights."""
    config = session.config
    paths = {Path(argument).resolve() for argument in config.args}
    selected = config.option.keyword or config.option.markexpr or config.option.collectonly
    return WHOLE in paths and not selected and session.testsfailed == 0 and os.environ.get("ENGINE") != "memory"
