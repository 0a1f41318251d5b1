"""Which versions the files were last applied to or written from, in a file beside them: it shows drift."""

import json
from pathlib import Path

NAME = ".fusion-catalog.json"


class State:
    """The versions by `metrics/<code>` and `charges/<code>`, for one address."""

    def __init__(self, path: Path, base_url: str) -> None:
        self._file = (path if path.is_dir() else path.parent) / NAME
        self._base_url = base_url
        self.versions: dict[str, int] = self._read().get(base_url, {})

    def _read(self) -> dict[str, dict[str, int]]:
        try:
            stored = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}

    def store(self) -> None:
        """Write the versions."""
        stored = {**self._read(), self._base_url: dict(sorted(self.versions.items()))}
        new = self._file.with_name(f"{NAME}.new")
        new.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
        new.replace(self._file)
