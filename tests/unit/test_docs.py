"""The documentation names what exists: folders, modules, commands, settings, routes, events, metrics and links."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from functions.admin.services.openapi import document
from fusion_billing.error_codes import ERROR_CODES
from fusion_billing.webhooks.events.registry import EVENT_TYPES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "layers" / "fusion_billing" / "fusion_billing"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "local" / "odoo" / "README.md"])
MAX_LINES = 300
MAX_COLUMNS = 120

CURRENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""The pages about what is; CHANGELOG.md names what was, too."""

each_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
each_current_page = pytest.mark.parametrize("page", CURRENT, ids=[str(page.relative_to(ROOT)) for page in CURRENT])


def _code(page: Path) -> list[str]:
    """Return the inline code of a page."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))


def _prose(page: Path) -> Iterator[str]:
    """Yield the lines of a page that wrap: neither code nor tables, headings or HTML."""
    in_code = False
    for line in page.read_text().split("\n"):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and not line.lstrip().startswith(("|", "#", "<")) and not line.startswith("    "):
            yield line


def _headings(page: Path, level: int) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return re.findall(rf"^{'#' * level} (.*)$", text, re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """Return the fragments that GitHub gives the headings of a page."""
    headings = [heading for level in range(1, 5) for heading in _headings(page, level)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def _words() -> frozenset[str]:
    """Return every word in code, templates and scripts, but for this test."""
    folders = [ROOT / "functions", ROOT / "layers", ROOT / "local", ROOT / "tests"]
    files = [path for folder in folders for path in folder.rglob("*.py") if path != Path(__file__)]
    files += [ROOT / "template.yaml", ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / "samconfig.toml"]
    return frozenset(word for path in files for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", path.read_text()))


@each_page
def test_pages_are_short(page: Path) -> None:
    lines = page.read_text().count("\n")

    assert lines <= MAX_LINES or page.name == "CHANGELOG.md", f"{lines} lines: split the page"


@each_page
def test_prose_wraps(page: Path) -> None:
    too_long = [line for line in _prose(page) if len(line) > MAX_COLUMNS and " " in line[:MAX_COLUMNS].strip()]

    assert too_long == []


@each_page
def test_links_resolve(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (fragment and fragment not in _anchors(file)):
            broken.append(target)

    assert broken == []


@each_current_page
def test_paths_exist(page: Path) -> None:
    places = (
        ROOT,
        PACKAGE,
        PACKAGE.parent,
        PACKAGE / "rating",
        PACKAGE / "odoo",
        ROOT / "functions" / "admin",
        page.parent,
    )
    folders = {path.name for place in (ROOT, PACKAGE) for path in place.iterdir() if path.is_dir()}
    missing = []
    for code in _code(page):
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", code) or code.startswith((".local", "build/")):
            continue
        is_path = code.endswith((".py", ".md", ".yaml", ".toml", ".txt", ".json", "/")) or (
            "/" in code and code.split("/")[0] in folders
        )
        if is_path and not any((place / code).exists() for place in places):
            missing.append(code)

    assert [path for path in missing if path != "src/"] == []  # mutmut expects src/


@each_page
def test_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    in_code = "\n".join([*_code(page), *re.findall(r"```.*?```", page.read_text(), re.DOTALL)])

    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", in_code)) - targets == set()
    for module in re.findall(r"-m ((?:fusion_billing|local|tests|functions)[\w.]*)", in_code):
        path = module.replace(".", "/")
        files = [place / f"{path}{end}" for place in (ROOT, PACKAGE.parent) for end in (".py", "/__init__.py")]
        assert any(file.exists() for file in files), module


@each_current_page
def test_settings_parameters_and_metrics_exist(page: Path) -> None:
    pattern = r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|[A-Z][a-z]+([A-Z][a-z]+)+"
    names = {code for code in _code(page) if re.fullmatch(pattern, code)}
    known = _words() | {word.removesuffix("Alarm") for word in _words()} | OUTSIDE

    assert names - known == set()


OUTSIDE = {"BatchGetItem", "ProvisionedConcurrency", "WarmThroughput"}
"""Names of AWS, Odoo and others that the docs explain and the code does not use."""


@each_current_page
def test_events_exist(page: Path) -> None:
    families = {name.split(".")[0] for name in EVENT_TYPES}
    named = {code for code in _code(page) if re.fullmatch(r"[a-z]+\.[a-z_]+", code) and code.split(".")[0] in families}

    assert {name for name in named if not name.endswith((".py", ".md"))} - set(EVENT_TYPES) == set()


@each_current_page
def test_routes_exist(page: Path) -> None:
    routes = {(method.upper(), path) for path, operations in document()["paths"].items() for method in operations}
    missing = []
    for method, path in re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) (/v1/[^\s`?\"']+)", page.read_text()):
        parts = path.rstrip("/.,)").split("/")
        if not any(method == known and _matches(parts, template.split("/")) for known, template in routes):
            missing.append(f"{method} {path}")

    assert missing == []


def _matches(parts: list[str], template: list[str]) -> bool:
    return len(parts) == len(template) and all(
        expected.startswith("{") or part == expected for part, expected in zip(parts, template, strict=True)
    )


@each_current_page
def test_error_codes_exist(page: Path) -> None:
    codes = set(re.findall(r"\b4\d\d[,)]? \(?`([a-z_]+)`", page.read_text()))

    assert codes - set(ERROR_CODES) == set()


def test_the_data_model_has_a_section_for_each_folder_of_a_table() -> None:
    folders = {path.name for path in (PACKAGE / "dynamodb").iterdir() if (path / "__init__.py").exists()} - {"keys"}

    assert {heading.lower() for heading in _headings(DOCS / "data-model.md", 2)} == folders | {"queues"}


def _sections() -> dict[str, str]:
    """Return the text of the section of each package folder in docs/architecture.md."""
    parts = re.split(r"^### `(\w+)/`$", (DOCS / "architecture.md").read_text(), flags=re.MULTILINE)
    texts = [re.split(r"^##", text, flags=re.MULTILINE)[0] for text in parts[2::2]]
    return dict(zip(parts[1::2], texts, strict=True))


def test_the_architecture_has_a_section_for_each_folder() -> None:
    folders = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())

    assert list(_sections()) == folders


def test_the_architecture_lists_every_module_of_the_package() -> None:
    table = (DOCS / "architecture.md").read_text().partition("### Modules of the package itself")[2]
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}

    assert set(re.findall(r"`(\w+\.py)`", table.partition("\n## ")[0])) == modules


@pytest.mark.parametrize(("folder", "section"), _sections().items(), ids=list(_sections()))
def test_the_architecture_lists_what_each_folder_may_import(folder: str, section: str) -> None:
    listed = set(re.findall(r"`(\w+)`", section.partition("May import:")[2]))
    imported = {
        node.module.split(".")[1]
        for path in (PACKAGE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fusion_billing.")
    }

    assert {name for name in imported if (PACKAGE / name).is_dir()} - {folder} - listed == set()


RUNBOOK_FIELDS = ["Meaning", "Severity", "Threshold", "Query", "Commands", "Over when"]


def runbook_sections() -> dict[str, str]:
    """Return the runbook's sections by alarm; several alarms may share one."""
    found: dict[str, str] = {}
    for page in ("runbook.md", "runbook-relay.md"):
        for section in re.split(r"^### ", (DOCS / page).read_text(), flags=re.MULTILINE)[1:]:
            heading, _, text = section.partition("\n")
            for name in re.findall(r"`(\w+)`", heading):
                assert name not in found, f"{name} has two sections"
                found[name] = text.partition("\n## ")[0]
    return found


def test_the_runbook_covers_every_alarm() -> None:
    template = (ROOT / "template.yaml").read_text()
    resources = re.findall(r"^  (\w+)Alarm:\n    Type: AWS::CloudWatch::Alarm", template, re.MULTILINE)

    assert sorted(runbook_sections()) == sorted(resources)


@pytest.mark.parametrize(("alarm", "text"), runbook_sections().items(), ids=runbook_sections())
def test_a_section_of_the_runbook_says_what_to_do(alarm: str, text: str) -> None:
    del alarm
    assert re.findall(r"^- \*\*([\w ]+)\*\*: ", text, re.MULTILINE) == RUNBOOK_FIELDS


def test_the_runbook_names_logs_and_resources_that_exist() -> None:
    template = (ROOT / "template.yaml").read_text()
    pages = "".join((DOCS / page).read_text() for page in ("runbook.md", "runbook-relay.md"))
    named = set(re.findall(r"`(?:logs|invoke|redrive|purge) (\w+)", pages))

    assert {name for name in named if f"\n  {name}:\n" not in template} == set()


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[\w./-]+\.md)", (ROOT / "README.md").read_text()))
    pages = {f"docs/{page.name}" for page in DOCS.glob("*.md")}

    assert pages - linked == set()


def test_every_decision_is_listed() -> None:
    records = {path.name for path in (DOCS / "decisions").glob("0*.md")}

    assert records == set(re.findall(r"\((0\d{3}-[\w-]+\.md)\)", (DOCS / "decisions" / "README.md").read_text()))
    for name in records:
        headings = _headings(DOCS / "decisions" / name, 2)
        assert headings == ["Context", "Decision", "Alternatives", "Consequences"], name


def test_the_code_refers_to_pages_that_exist() -> None:
    folders = [ROOT / "functions", ROOT / "layers", ROOT / "local", ROOT / "tests"]
    text = "\n".join(path.read_text() for folder in folders for path in folder.rglob("*.py") if path != Path(__file__))

    assert {page for page in re.findall(r"docs/[\w-]+\.md", text) if not (ROOT / page).exists()} == set()
