"""The version is stated once, in the package, and reads like a release in CHANGELOG.md."""

import re
import tomllib
from pathlib import Path

from fusion_billing import __version__

ROOT = Path(__file__).parents[2]


def test_pyproject_takes_the_version_from_the_package() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert "version" not in pyproject["project"]
    assert pyproject["project"]["dynamic"] == ["version"]
    assert pyproject["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "fusion_billing.__version__"}


def test_the_version_follows_semver() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_changelog_starts_with_unreleased_changes_or_this_version() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    releases = [heading.split()[0].strip("[]") for heading in headings if heading != "Unreleased"]

    assert headings[0] == "Unreleased" or releases[0] == __version__
    assert releases[:1] in ([], [__version__])
