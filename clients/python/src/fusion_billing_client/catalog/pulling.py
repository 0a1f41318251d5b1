"""Write the catalog of a service into files; comments and the order of what is there stay."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from fusion_billing_client._sync.client import Client
from fusion_billing_client.catalog.files import KINDS, Defined, load

_SHOWN_ONLY: Final = frozenset({"code", "version", "versions", "history"})
_DEFAULTS: Final[dict[str, Any]] = {"active": True, "filters": [], "group_by": [], "included_units": "0"}
_NEW_FILE: Final = "catalog.yaml"


@dataclass(frozen=True)
class Pulled:
    """What a pull wrote: the versions by name, and the files that changed."""

    versions: dict[str, int]
    files: tuple[Path, ...]


def pull(client: Client, path: Path) -> Pulled:
    """Write every metric and charge; what the service no longer has is removed from the files."""
    versions: dict[str, int] = {}
    found: dict[str, dict[str, list[dict[str, Any]]]] = {kind: {} for kind in KINDS}
    for metric in client.metrics.list():
        found["metrics"][metric.code] = [_definition(metric.raw)]
        versions[f"metrics/{metric.code}"] = metric.version
    for charge in client.charges.list():
        found["charges"][charge.code] = [_definition(version) for version in charge.versions or (charge.raw,)]
        versions[f"charges/{charge.code}"] = charge.version
    places = {each.name: each for each in load(path)} if path.exists() else {}
    changed = [file for file, names in _by_file(path, found, places).items() if _write(file, names, found)]
    return Pulled(versions, tuple(changed))


def _by_file(path: Path, found: Mapping[str, Mapping[str, Any]], places: Mapping[str, Defined]) -> dict[Path, set[str]]:
    """Return the names that each file is to have: those it has, and in one file the new ones."""
    files: dict[Path, set[str]] = {}
    for place in places.values():
        files.setdefault(place.file, set())
    new = path if path.suffix in {".yaml", ".yml"} else path / _NEW_FILE
    for name in _names(found):
        files.setdefault(places[name].file if name in places else new, set()).add(name)
    return files


def _names(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    return (f"{kind}/{code}" for kind, codes in found.items() for code in codes)


def _write(file: Path, names: set[str], found: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> bool:
    """Write what a file is to have; return whether that changed it."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = file.read_text() if file.exists() else ""
    document = (yaml.load(text) if text.strip() else None) or CommentedMap()
    for kind in KINDS:
        wanted = {code: versions for code, versions in found[kind].items() if f"{kind}/{code}" in names}
        _update(document, kind, wanted)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    with new.open("w") as out:
        yaml.dump(document, out)
    is_changed = new.read_text() != text
    new.replace(file)
    return is_changed


def _update(document: Any, kind: str, wanted: Mapping[str, list[dict[str, Any]]]) -> None:
    section = document.get(kind)
    if section is None:
        if not wanted:
            return
        section = document[kind] = CommentedMap()
    for code in [code for code in section if str(code) not in wanted]:
        del section[code]
    for code, versions in sorted(wanted.items()):
        value: Any = versions if len(versions) > 1 or isinstance(section.get(code), list) else versions[0]
        section[code] = _merged(section.get(code), value)


def _merged(there: Any, value: Any) -> Any:
    """Return a value, laid over the one that is there so that its comments stay."""
    if isinstance(value, dict):
        if not isinstance(there, CommentedMap):
            return CommentedMap({name: _merged(None, item) for name, item in value.items()})
        for name in [name for name in there if name not in value and not _is_default(name, there[name])]:
            del there[name]
        for name, item in value.items():
            there[name] = _merged(there.get(name), item)
        return there
    if isinstance(value, list):
        before = there if isinstance(there, CommentedSeq) else CommentedSeq()
        merged = [_merged(before[index] if index < len(before) else None, item) for index, item in enumerate(value)]
        if not isinstance(there, CommentedSeq):
            return CommentedSeq(merged)
        there[:] = merged
        return there
    if there is not None and _same(there, value):
        return there
    return DoubleQuotedScalarString(value) if isinstance(value, str) and _looks_like_another_type(value) else value


def _same(there: Any, value: Any) -> bool:
    """Return whether a value of the file says the same: `0.10` is 0.1, a date its text."""
    return (type(there) is type(value) and there == value) or _text(there) == _text(value)


def _text(value: Any) -> str:
    text = str(value)
    is_number = text.replace(".", "", 1).isdigit()
    return text.rstrip("0").rstrip(".") if is_number and "." in text else text


def _looks_like_another_type(text: str) -> bool:
    return (
        not text
        or text[0].isdigit()
        or text[0] in "-+.~"
        or text.lower() in {"true", "false", "null", "yes", "no", "on", "off"}
    )


def _definition(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what defines a metric or a charge, without what the service adds and what is as by default."""
    return {
        name: value
        for name, value in raw.items()
        if name not in _SHOWN_ONLY and value is not None and not _is_default(name, value)
    }


def _is_default(name: str, value: Any) -> bool:
    return name in _DEFAULTS and (value == _DEFAULTS[name] or _text(value) == _text(_DEFAULTS[name]))
