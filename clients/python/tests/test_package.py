import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def test_the_client_without_asyncio_is_as_generated() -> None:
    done = subprocess.run(
        [sys.executable, "tools/generate_sync.py", "--check"], cwd=PACKAGE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stderr}: run python tools/generate_sync.py"


def test_files_are_short() -> None:
    long = [path.name for path in PACKAGE.rglob("*.py") if len(path.read_text().splitlines()) >= 300]
    assert long == []


def test_nothing_optional_is_imported_by_the_client() -> None:
    code = (
        "import sys, fusion_billing_client; print(sorted({'typer', 'ruamel', 'keyring', 'pyarrow'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
