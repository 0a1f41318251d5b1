"""Test that a release can be rebuilt bit for bit, and that its bill of materials is what the artifacts contain."""

import csv
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from local import artefacts
from local.release.__main__ import build
from local.release.archives import pack, sha256
from local.release.sbom import bill_of_materials

ROOT = Path(__file__).parents[3]
PINS = ROOT / "layers" / "fusion_billing" / "requirements.txt"
SCHEMAS = ROOT / ".venv-policy"
PARTS = ("FusionBillingLayer", "IngestFunction", "RateFunction", "RelayFunction", "AdminFunction")


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two builds of the same sources, made at different times, in different folders and with another umask."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second") / "deeper" / "and deeper"
    build(first, artefacts.architecture(), artefacts.runtime())
    time.sleep(2.1)  # zip files have times of two seconds
    former = os.umask(0o077)
    try:
        build(second, artefacts.architecture(), artefacts.runtime())
    finally:
        os.umask(former)
    return first, second


@pytest.fixture(scope="module")
def document(builds: tuple[Path, Path]) -> dict[str, Any]:
    built = builds[0]
    return bill_of_materials(built / "FusionBillingLayer", built / "AdminFunction", built / "pip.json")


def components(document: dict[str, Any], ecosystem: str) -> list[dict[str, Any]]:
    return [found for found in document["components"] if found["purl"].startswith(f"pkg:{ecosystem}/")]


@pytest.mark.parametrize("part", PARTS)
def test_two_builds_give_one_hash(builds: tuple[Path, Path], part: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    pack(builds[0] / part, first)
    pack(builds[1] / part, second)

    assert sha256(first) == sha256(second)


@pytest.mark.parametrize("part", PARTS)
def test_two_builds_have_files_of_the_same_times_and_modes(builds: tuple[Path, Path], part: str) -> None:
    states = [
        {path.relative_to(built): (path.stat().st_mode, path.stat().st_mtime) for path in (built / part).rglob("*")}
        for built in builds
    ]

    assert states[0] == states[1]
    assert len(states[0]) > 3


def test_the_bill_of_materials_has_every_pin_and_no_other_package(document: dict[str, Any]) -> None:
    pins = set(re.findall(r"^([\w.-]+==[^ ;\\]+)", PINS.read_text(), re.MULTILINE))

    assert {
        found["purl"].removeprefix("pkg:pypi/").replace("@", "==") for found in components(document, "pypi")
    } == pins


def test_the_hash_of_each_package_is_one_of_its_pin(document: dict[str, Any]) -> None:
    allowed = set(re.findall(r"--hash=sha256:(\w+)", PINS.read_text()))

    assert {found["hashes"][0]["content"] for found in components(document, "pypi")} <= allowed


def test_everything_in_the_layer_is_of_a_package_of_the_bill_of_materials(
    builds: tuple[Path, Path], document: dict[str, Any]
) -> None:
    layer = builds[0] / "FusionBillingLayer" / "python"
    listed = {found["name"].lower().replace("-", "_") for found in components(document, "pypi")}
    owned: set[str] = {"fusion_billing", "__pycache__"}
    for record in layer.glob("*.dist-info/RECORD"):
        assert record.parent.name.split("-")[0].lower() in listed
        owned |= {Path(row[0]).parts[0] for row in csv.reader(record.read_text().splitlines()) if row}

    assert {path.name for path in layer.iterdir()} <= owned


def test_the_libraries_of_the_console_are_listed_file_by_file(
    builds: tuple[Path, Path], document: dict[str, Any]
) -> None:
    vendored = {path.name for path in (builds[0] / "AdminFunction").rglob("vendor/*.js")}
    listed = {Path(found["properties"][1]["value"]).name for found in components(document, "npm")}

    assert vendored == listed == {"preact.js", "hooks.js", "htm.js", "uplot.js"}


def test_every_license_is_known(document: dict[str, Any]) -> None:
    known = {"Apache-2.0", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
    stated = {found["licenses"][0]["expression"] for found in document["components"]}

    assert {name for expression in stated for name in expression.split(" OR ")} <= known


def test_the_bill_of_materials_is_valid_cyclonedx(document: dict[str, Any]) -> None:
    found = sorted(SCHEMAS.glob("lib/python*/site-packages/cyclonedx/schema/_res/*.schema.json"))
    if not found:
        pytest.skip("`make policies` creates the environment with CycloneDX's schemas")
    schemas = [json.loads(path.read_text()) for path in found]
    registry: Registry[Any] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas if "$id" in schema]
    )
    schema = next(schema for schema in schemas if "bom-1.6" in schema.get("$id", ""))

    jsonschema.Draft7Validator(schema, registry=registry).validate(document)
