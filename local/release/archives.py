"""Zip files that depend on nothing but the files in them."""

import hashlib
import zipfile
from pathlib import Path

_AT = (2000, 1, 1, 0, 0, 0)
_FILE, _UNIX = 0o100644 << 16, 3


def pack(folder: Path, archive: Path) -> None:
    """Pack the files in `folder`, in the order of their names, with the same time and mode each."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _AT)
            entry.external_attr, entry.create_system, entry.compress_type = _FILE, _UNIX, zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes(), compresslevel=9)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
