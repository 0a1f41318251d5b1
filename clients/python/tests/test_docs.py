"""The documentation's examples, run word for word."""

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.conftest import ROOT, Service

PACKAGE = Path(__file__).parents[1]
END_OF_THE_DEMO = datetime(2027, 1, 10, tzinfo=timezone.utc)
"""The demo's yearly subscription has its open period until then."""


def blocks(page: Path, language: str, *, after: str = "") -> list[str]:
    text = page.read_text()
    return re.findall(rf"```{language}\n(.*?)```", text[text.index(after) :], re.DOTALL)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package's wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(PACKAGE)]
    subprocess.run([*command, "--wheel-dir", str(folder)], check=True, capture_output=True)
    return folder


@contextlib.contextmanager
def schedule(service: Service) -> Iterator[None]:
    """Run the relay as its schedule does, but more often."""
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(1):
            service.control("relay")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def run_script(script: str, folder: Path, **environment: str) -> str:
    given = {"PATH": os.environ["PATH"], "HOME": str(folder), "COLUMNS": "100", **environment}
    for name, value in os.environ.items():
        if name.startswith(("PIP_", "SSL_", "HTTP", "XDG_CONFIG_DIRS")):
            given.setdefault(name, value)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=given,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.skipif(datetime.now(timezone.utc) > END_OF_THE_DEMO, reason="the demo's yearly period is over")
def test_the_quickstart_leads_to_an_order_line_from_an_empty_environment(
    unused_service: Service, wheels: Path, tmp_path: Path
) -> None:
    service = unused_service  # the relay sends every line
    script = "\n".join(blocks(PACKAGE / "docs" / "quickstart.md", "sh"))
    values = f"export FUSION_BASE_URL={service.base_url} FUSION_KEY={service.key}"
    assert script.count("export FUSION_BASE_URL=… FUSION_KEY=…") == 1
    script = script.replace("export FUSION_BASE_URL=… FUSION_KEY=…", values)
    script = script.replace("python3 -m venv", f"{sys.executable} -m venv")
    with schedule(service):
        printed = run_script(script, tmp_path, PIP_FIND_LINKS=f"{wheels} {os.environ.get('PIP_FIND_LINKS', '')}")

    assert "2 to create" in printed
    assert re.search(r"documents +75 +50 +25 +6\.25", printed)
    assert "25 at 0.25" in (PACKAGE / "docs" / "quickstart.md").read_text()
    assert re.search(r"Order line 4103~\d{8}T\d{6}Z~documents: sent, 6\.25", printed)
    if service.has_controls:
        lines = [line for line in service.control("order-lines") if "Documents" in str(line["name"])]
        assert [line["price_subtotal"] for line in lines] == ["6.25"]
        assert service.control("relay") == []


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_of_the_package_run(service: Service, tmp_path: Path, number: int) -> None:
    (tmp_path / "example.py").write_text(blocks(PACKAGE / "README.md", "python")[number])
    printed = run_script(f"{sys.executable} example.py", tmp_path, BASE_URL=service.base_url, KEY=service.key)
    assert printed.splitlines()[-1] in {"USD 0.00", "version_conflict"} or printed.startswith("USD")


def test_the_push_of_the_readme_works_on_the_demo(unused_service: Service, tmp_path: Path) -> None:
    readme = ROOT / "README.md"
    shell = blocks(readme, "sh", after="## Push from an app")
    [python, *_] = blocks(readme, "python", after="## Push from an app")
    service = unused_service
    # The service of the tests has fixed dates; a running demo has its own, around today.
    day = "2026-10-26" if service.has_controls else datetime.now(timezone.utc).date().isoformat()
    given = {"BASE_URL": service.base_url, "KEY": service.key, "DAY": day}
    first = re.sub(r"^export .*$", "", shell[0], flags=re.MULTILINE)
    assert '"outcome":"created"' in run_script(first, tmp_path, **given) or not service.has_controls
    assert '"outcome":"unchanged"' in run_script(first, tmp_path, **given)
    printed = run_script(shell[1], tmp_path, **given)
    assert '"units":"1250","included_units":"1000","overage_units":"250","amount":"1.00"' in printed
    (tmp_path / "push.py").write_text(python)
    assert run_script(f"{sys.executable} push.py", tmp_path, **given) == "[]\n"


def test_links_and_pages() -> None:
    for page in [PACKAGE / "README.md", *(PACKAGE / "docs").glob("*.md")]:
        text = page.read_text()
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"
        outside_tables = [line for line in text.splitlines() if not line.startswith("|")]
        assert max(len(line) for line in outside_tables) <= 140, page.name
