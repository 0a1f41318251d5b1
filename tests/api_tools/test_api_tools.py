"""Linters have nothing to say about /openapi.json, and generated clients put, list and push."""

import json
import shutil
from pathlib import Path

import pytest

from tests.api_tools.conftest import HERE, run

pytestmark = pytest.mark.xdist_group("api-tools")

Service = tuple[str, str]


def test_spectral_finds_nothing(tools: Path) -> None:
    run("node_modules/.bin/spectral", "lint", "openapi.json", "-r", HERE / "spectral.yaml", "--fail-severity", "hint")


def test_redocly_finds_nothing(tools: Path) -> None:
    found = run("node_modules/.bin/redocly", "lint", "openapi.json", "--config", HERE / "redocly.yaml")
    assert "warning" not in found.replace("Deprecation warning", ""), found


def test_a_client_of_openapi_python_client_works(tools: Path, tmp_path: Path, service: Service) -> None:
    target = tmp_path / "generated_client"
    made = run(
        *(tools / "venv/bin/openapi-python-client", "generate", "--path", tools / "openapi.json"),
        *("--output-path", target, "--meta", "none"),
    )
    assert "WARNING" not in made, made
    use_python_client(tools, "with_python_client.py", tmp_path, service)


def test_a_client_of_openapi_generator_works(tools: Path, tmp_path: Path, service: Service) -> None:
    # Its template for Python writes invalid code for webhooks, which a client does not receive anyway.
    document = json.loads((tools / "openapi.json").read_text())
    del document["webhooks"]
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    run(
        *(tools / "venv/bin/openapi-generator-cli", "generate", "-g", "python", "-i", tmp_path / "openapi.json"),
        *("-o", tmp_path, "--additional-properties=packageName=generated_client"),
        *("--global-property", "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"),
    )
    use_python_client(tools, "with_generated_python.py", tmp_path, service)


def test_types_of_openapi_typescript_work(tools: Path, service: Service) -> None:
    run("node_modules/.bin/openapi-typescript", "openapi.json", "-o", "schema.d.ts", "--default-non-nullable", "false")
    shutil.copy(HERE / "with_typescript.mjs", tools)
    options = ("--noEmit", "--strict", "--allowJs", "--checkJs", "--skipLibCheck")
    (tools / "node.d.ts").write_text('declare module "node:assert";\ndeclare const process: { argv: string[] };\n')
    run(
        *("node_modules/.bin/tsc", *options, "--target", "es2022", "--module", "nodenext"),
        *("node.d.ts", "with_typescript.mjs"),
    )
    run("node", "with_typescript.mjs", *service)


def use_python_client(tools: Path, script: str, folder: Path, service: Service) -> None:
    """Import every module of a generated client, then use it."""
    modules = (
        "import importlib, pkgutil, generated_client as client\n"
        "for module in pkgutil.walk_packages(client.__path__, 'generated_client.'):\n"
        "    importlib.import_module(module.name)\n"
    )
    run(tools / "venv/bin/python", "-c", modules, folder=folder)
    shutil.copy(HERE / script, folder)
    run(tools / "venv/bin/python", script, *service, folder=folder)
