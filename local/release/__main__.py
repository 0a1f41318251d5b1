"""Build a release into a folder: the artifacts as zip files, the template, the bill of materials, and all hashes.

    python -m local.release [FOLDER]        # build/release

The target is that of the Makefiles: arm64 and Python 3.13, unless FUSION_ARCHITECTURE and FUSION_RUNTIME say otherwise.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from local.release.archives import pack, sha256
from local.release.sbom import bill_of_materials

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("ingest", "rate", "relay", "admin")


def build(folder: Path, architecture: str, runtime: str) -> Path:
    """Build the layer and the functions as `sam build` does, into a folder each; return pip's report."""
    report = folder / "pip.json"
    _make(report, "layer", ROOT / "layers" / "fusion_billing", folder / "FusionBillingLayer", architecture, runtime)
    for name in FUNCTIONS:
        _make(report, "function", ROOT / "functions" / name, folder / f"{name.capitalize()}Function", runtime)
    return report


def _make(report: Path, kind: str, source: Path, artifacts: Path, *target: str) -> None:
    artifacts.mkdir(parents=True)
    command = [sys.executable, str(ROOT / "layers" / "build.py"), kind, str(source), str(artifacts), *target]
    subprocess.run(command, check=True, env={**os.environ, "PIP_REPORT": str(report)})


def release(folder: Path, architecture: str, runtime: str) -> None:
    """Put the release into `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        built = Path(temporary)
        report = build(built, architecture, runtime)
        for artifacts in sorted(path for path in built.iterdir() if path.is_dir()):
            pack(artifacts, folder / f"{artifacts.name}.zip")
        document = bill_of_materials(built / "FusionBillingLayer", built / "AdminFunction", report)
    (folder / "sbom.cdx.json").write_text(json.dumps(document, indent=2) + "\n")
    shutil.copy(ROOT / "template.yaml", folder)
    sums = [f"{sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    destination = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "build" / "release"
    target = os.environ.get("FUSION_ARCHITECTURE", "arm64"), os.environ.get("FUSION_RUNTIME", "python3.13")
    release(destination, *target)
    print((destination / "SHA256SUMS").read_text(), end="")
    print(f"Built for {' and '.join(target)} by Python {platform.python_version()} into {destination}")
