"""The base image of the functions: this machine's Python with AWS's runtime interface client, built without a pull.

AWS's own images come from a registry that not every machine reaches. This one has the same paths (`/var/task`,
`/var/runtime`, `/opt`) and starts a function the same way.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

from local.artefacts import ROOT, runtime
from local.processes import Failed
from local.sam_local.engine import Engine

IMAGE = "fusion-lambda-base:local"

RUNS_PYTHON = (f"/var/lang/bin/{runtime()}", "-c", "")
"""A command of the image that does nothing, and fails if its Python does not start."""

_FOLDERS = "bin etc tmp proc sys dev opt usr/bin usr/lib var/task var/runtime var/rapid var/lang/bin var/lang/lib"
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "test", "idlelib", "tkinter", "turtledemo", "lib2to3", "site-packages", "dist-packages", "config-*"
)
_LOADED_BY_NAME = (
    "libnss_files.so.2 libnss_dns.so.2 libresolv.so.2 libgcc_s.so.1 libstdc++.so.6 "
    "libpthread.so.0 libdl.so.2 librt.so.1 libutil.so.1 libm.so.6"
)
"""Libraries that `ldd` does not show: the C library and wheels load them by name."""

_SHELLS = ("/bin/busybox", "/usr/bin/busybox")
_CHANGES = (
    "ENV PATH=/var/lang/bin:/usr/bin:/bin",
    "ENV LD_LIBRARY_PATH=/var/lang/lib:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
    "ENV LANG=C.UTF-8",
    "WORKDIR /var/task",
)


def build(engine: Engine, folder: Path) -> None:
    """Build the image in `folder` and import it into the engine; raises `Failed`."""
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    for name in _FOLDERS.split():
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    _copy_python(root)
    _copy_shell(root)
    _write_settings(root)
    _install_runtime_client(root / "var" / "runtime")
    archive = folder / "base.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(root, arcname=".", filter=_owned_by_root)
    shutil.rmtree(root)
    changes = [word for change in _CHANGES for word in ("--change", change)]
    engine.run("import", *changes, str(archive), IMAGE)
    archive.unlink()


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def _copy_python(root: Path) -> None:
    executable, version = Path(_real_python()), runtime()
    library = root / "var" / "lang" / "lib" / version
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=_LEFT_OUT)
    (library / "site-packages").mkdir()
    shutil.copy(executable, root / "var" / "lang" / "bin" / version)
    for path in _shared_libraries([executable, *(library / "lib-dynload").glob("*.so")]):
        target = root / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def _real_python() -> str:
    """Return the interpreter behind a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _shared_libraries(programs: list[Path]) -> Iterator[Path]:
    listed = "".join(
        subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout for path in programs
    )
    found = {Path(name.rstrip(":")) for name in re.findall(r"(/\S+)", listed)}
    c_library = next((path.parent for path in found if path.name.startswith("libc.so")), None)
    if c_library is None:
        raise Failed("the base image cannot be built: ldd does not name the C library of this Python")
    yield from sorted(path for path in found if path.is_file())
    yield from (c_library / name for name in _LOADED_BY_NAME.split() if (c_library / name).is_file())


def _copy_shell(root: Path) -> None:
    busybox = next((path for path in map(Path, _SHELLS) if path.exists()), None)
    if busybox is None:
        raise Failed("the base image needs busybox (on Debian: busybox-static)")
    shutil.copy(busybox, root / "bin" / "busybox")
    listed = subprocess.run([str(busybox), "--list"], capture_output=True, text=True, check=True).stdout
    for name in listed.split():
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")


def _write_settings(root: Path) -> None:
    users = "root:x:0:0:root:/tmp:/bin/sh\nsbx_user1051:x:993:990::/tmp:/bin/sh\n"
    (root / "etc" / "passwd").write_text(users)
    (root / "etc" / "nsswitch.conf").write_text("hosts: files dns\n")
    bootstrap = root / "var" / "runtime" / "bootstrap"
    bootstrap.write_text(
        "#!/bin/sh\n"
        f"export PYTHONPATH=/opt/python/lib/{runtime()}/site-packages:/opt/python:/var/runtime\n"
        f'exec /var/lang/bin/{runtime()} -m awslambdaric "$_HANDLER"\n'
    )
    bootstrap.chmod(0o755)


def _install_runtime_client(target: Path) -> None:
    """Copy AWS's runtime interface client (`awslambdaric`)."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check"]
    command += ["--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(target)]
    requirements = ROOT / "requirements" / "sam-local.txt"
    done = subprocess.run([*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"the runtime interface client could not be installed:\n{done.stderr[-2000:]}")
