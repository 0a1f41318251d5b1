"""Take the methods of dataclasses from the build, instead of compiling them in every start.

`dataclasses` writes the source of each class's methods and compiles it where the class is defined: a quarter of what a
start of rate costs. The build compiles the same sources (`layers/dataclass_methods.py`). A source that it has not seen
is compiled as usual, so an outdated file does no harm.
"""

import dataclasses
import marshal
import sys
from pathlib import Path

FILE_NAME = f"dataclass_methods.{sys.implementation.cache_tag}"
"""Bytecode is valid for one version of Python, which its name says."""

_FILE = Path(__file__).with_name(FILE_NAME)


def use(file: Path = _FILE) -> None:
    """Have classes defined from now on take the methods in `file`; do nothing if it does not exist."""
    try:
        methods: dict[str, bytes] = marshal.loads(file.read_bytes())  # noqa: S302  a part of the artifact, as code is
    except FileNotFoundError:
        return

    def execute(source: str, *namespaces: dict[str, object]) -> None:
        code = methods.get(source)
        exec(source if code is None else marshal.loads(code), *namespaces)  # noqa: S102, S302

    vars(dataclasses)["exec"] = execute  # instead of the builtin, in this module alone
