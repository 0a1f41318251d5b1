"""Read the files of a catalog.

    metrics:
      api_calls:
        name: API calls
        aggregation: sum
    charges:
      api_calls_pro:
        name: API calls
        metric: api_calls
        ...

A charge whose price changed is a list of its versions, each with its `valid_from`. Numbers keep the digits that the
file has: an amount never becomes a binary fraction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode

KINDS: Final = ("metrics", "charges")
SUFFIXES: Final = (".yaml", ".yml")

Definition = dict[str, Any]


class CatalogFileError(ValueError):
    """A file of the catalog is not as it must be; the message names the file and the place."""


@dataclass(frozen=True)
class Defined:
    """One metric or charge of the files; `versions` are its definitions, one unless a charge has several."""

    kind: str
    code: str
    versions: tuple[Definition, ...]
    file: Path

    @property
    def name(self) -> str:
        """Return the name that plans show."""
        return f"{self.kind}/{self.code}"


class _Constructor(SafeConstructor):
    """Builds plain values, and numbers and times as texts."""

    def construct_text(self, node: ScalarNode) -> str:
        """Return a scalar as it is written."""
        return str(node.value)


for _tag in ("float", "timestamp"):
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_tag}", _Constructor.construct_text)


def catalog_files(path: Path) -> list[Path]:
    """Return the YAML files of a folder, or the file itself; raises `CatalogFileError`."""
    if path.is_dir():
        return sorted(found for found in path.iterdir() if found.suffix in SUFFIXES and found.is_file())
    if not path.exists():
        raise CatalogFileError(f"{path}: does not exist. Write one with fusion pull")
    return [path]


def load(path: Path) -> list[Defined]:
    """Return everything that the files define, metrics first; raises `CatalogFileError`."""
    found: dict[str, Defined] = {}
    for file in catalog_files(path):
        for defined in _defined(file):
            if defined.name in found:
                raise CatalogFileError(f"{file}: {defined.name} is defined in {found[defined.name].file} too")
            found[defined.name] = defined
    return sorted(found.values(), key=lambda defined: (KINDS.index(defined.kind), defined.code))


def _defined(file: Path) -> Iterator[Defined]:
    document = _parsed(file)
    for kind, definitions in document.items():
        if kind not in KINDS:
            raise CatalogFileError(f"{file}: {kind!r} is not known here. Top-level keys are {' and '.join(KINDS)}")
        if not isinstance(definitions, Mapping):
            raise CatalogFileError(f"{file}: {kind} must map codes to definitions")
        for code, given in definitions.items():
            versions = given if kind == "charges" and isinstance(given, list) else [given]
            if not versions or not all(isinstance(version, dict) for version in versions):
                raise CatalogFileError(f"{file}: {kind}.{code} must be a mapping of fields, or a list of versions")
            yield Defined(kind, str(code), tuple(versions), file)


def _parsed(file: Path) -> Mapping[str, Any]:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    try:
        document = yaml.load(file.read_text())
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark is not None else str(file)
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise CatalogFileError(f"{where}: is not valid YAML ({problem})") from None
    except UnicodeDecodeError:
        raise CatalogFileError(f"{file}: is not UTF-8") from None
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise CatalogFileError(f"{file}: must have the top-level keys {' and '.join(KINDS)}")
    return document
