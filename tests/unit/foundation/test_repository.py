"""Test that no committed file contains the address of a registry or a path of somebody's machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REQUIREMENTS = [
    *sorted((ROOT / "requirements").glob("*.*")),
    *sorted((ROOT / "layers").rglob("requirements.*")),
]

_MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:home|Users|root|work|private/var)/[\w.-]+|\b[A-Z]:\\Users\\")


def committed() -> list[Path]:
    """Return the files under version control; skip the test outside a repository."""
    asked = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        listed = subprocess.run(asked, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no clone")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_requirements_name_no_registry_and_no_path(file: Path) -> None:
    text = file.read_text()

    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links|-f |-i ", text)


@pytest.mark.parametrize("file", [one for one in REQUIREMENTS if one.suffix == ".txt"], ids=lambda file: file.name)
def test_every_requirement_is_pinned_with_its_hashes(file: Path) -> None:
    pins = [line for line in file.read_text().splitlines() if line and line[0] not in " #"]

    assert pins
    assert [line for line in pins if not re.match(r"[\w.\[\]-]+==[\w.!+]+ ", line)] == []
    assert file.read_text().count("--hash=sha256:") >= len(pins)


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = []
    for file in committed():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{file.relative_to(ROOT)}: {place}" for place in _MACHINE_PATH.findall(text)]

    assert found == []
