"""Where a push stopped, so that the next one goes on there."""

import hashlib
import json
from pathlib import Path


class Progress:
    """How many records of a file were pushed, in a file beside it; another content starts anew."""

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(f".{path.name}.fusion-push")
        self._digest = hashlib.sha256(path.read_bytes()).hexdigest()

    def done(self) -> int:
        """Return how many records were pushed."""
        try:
            stored = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return 0
        same = isinstance(stored, dict) and stored.get("file") == self._digest
        return int(stored["done"]) if same else 0

    def note(self, done: int) -> None:
        """Store how many records were pushed."""
        new = self._file.with_name(f"{self._file.name}.new")
        new.write_text(json.dumps({"file": self._digest, "done": done}))
        new.replace(self._file)

    def finish(self) -> None:
        """Forget it: everything was pushed."""
        self._file.unlink(missing_ok=True)
