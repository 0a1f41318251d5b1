"""The bill of materials of a release, as CycloneDX 1.6 has it: each package in the layer, each library in the console.

It is read off what was built, not off what was to be built. The same artifacts give the same document: it has neither
a time nor a serial number.
"""

import email.message
import email.parser
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fusion_billing import __version__

_OWN = "pkg:generic/fusion-billing"

# Names of licenses in packages that have no SPDX expression, as SPDX has them.
_EXPRESSIONS = {"Apache License 2.0": "Apache-2.0", "Dual License": "Apache-2.0 OR BSD-3-Clause"}
_VENDORED = re.compile(
    r"^\| `(?P<file>\S+)` \| (?P<name>\S+)@(?P<version>\S+) \| (?P<license>\S+) \| `(?P<hash>\w+)` ", re.MULTILINE
)


def bill_of_materials(layer: Path, admin: Path, report: Path) -> dict[str, Any]:
    """Return the document for the folders of the built layer and admin function.

    `report` is pip's, with the hash of each wheel.
    """
    wheels = _wheels(report)
    packages = [_metadata(path) for path in sorted((layer / "python").glob("*.dist-info/METADATA"))]
    components = [_package(package, wheels[_name(package)]) for package in packages] + list(_libraries(admin))
    components.sort(key=lambda component: str(component["bom-ref"]))
    known = {_name(package): _purl(package) for package in packages}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": _OWN,
                "name": "fusion-billing",
                "version": __version__,
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": _OWN, "dependsOn": [component["bom-ref"] for component in components]},
            *({"ref": _purl(package), "dependsOn": _requirements(package, known)} for package in packages),
        ],
    }


def _package(package: email.message.Message, wheel: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": _purl(package),
        "name": str(package["Name"]),
        "version": str(package["Version"]),
        "hashes": [{"alg": "SHA-256", "content": wheel}],
        "licenses": [{"expression": _expression(package)}],
        "purl": _purl(package),
        "properties": [{"name": "fusion-billing:artifact", "value": "FusionBillingLayer"}],
    }


def _libraries(admin: Path) -> Iterator[dict[str, Any]]:
    """Yield the libraries that the console vendors, by the table beside them."""
    for found in _VENDORED.finditer(next(admin.rglob("vendor/README.md")).read_text()):
        purl = f"pkg:npm/{found['name']}@{found['version']}"
        yield {
            "type": "library",
            "bom-ref": f"{purl}#{found['file']}",
            "name": found["name"],
            "version": found["version"],
            "hashes": [{"alg": "SHA-256", "content": found["hash"]}],
            "licenses": [{"expression": found["license"]}],
            "purl": purl,
            "properties": [
                {"name": "fusion-billing:artifact", "value": "AdminFunction"},
                {"name": "fusion-billing:file", "value": f"console/vendor/{found['file']}"},
            ],
        }


def _wheels(report: Path) -> dict[str, str]:
    """Return the SHA-256 of each wheel that pip installed."""
    return {
        _normalized(wheel["metadata"]["name"]): wheel["download_info"]["archive_info"]["hashes"]["sha256"]
        for wheel in json.loads(report.read_text())["install"]
    }


def _metadata(path: Path) -> email.message.Message:
    return email.parser.Parser().parsestr(path.read_text(encoding="utf-8"), headersonly=True)


def _expression(package: email.message.Message) -> str:
    stated = str(package["License-Expression"] or package["License"])
    return _EXPRESSIONS.get(stated, stated)


def _requirements(package: email.message.Message, known: dict[str, str]) -> list[str]:
    """Return what a package requires of the others, extras aside."""
    stated = [str(line) for line in package.get_all("Requires-Dist", []) if "extra ==" not in str(line)]
    names = {_normalized(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in stated}
    return sorted(known[name] for name in names & known.keys())


def _purl(package: email.message.Message) -> str:
    return f"pkg:pypi/{_name(package)}@{package['Version']}"


def _name(package: email.message.Message) -> str:
    return _normalized(str(package["Name"]))


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
