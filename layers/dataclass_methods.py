"""Compile the methods of all dataclasses that functions define, for `fusion_billing.compiled_dataclasses`.

    dataclass_methods.py FOLDER PATH ...

Imports every module of the package and of the functions from the PATHs, and writes the file to FOLDER.
"""

import dataclasses
import marshal
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def sources() -> list[str]:
    """Return the sources that `dataclasses` writes while everything is imported."""
    found = set()

    def execute(source: str, *namespaces: Any) -> None:
        found.add(source)
        exec(source, *namespaces)

    vars(dataclasses)["exec"] = execute
    for package in ("fusion_billing", "functions"):
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    return sorted(found)


def main() -> None:
    """Write the file."""
    folder, *sys.path[:0] = sys.argv[1:]
    methods = {source: marshal.dumps(compile(source, "<string>", "exec")) for source in sources()}
    name = import_module("fusion_billing.compiled_dataclasses").FILE_NAME
    (Path(folder) / name).write_bytes(marshal.dumps(methods))


if __name__ == "__main__":
    main()
