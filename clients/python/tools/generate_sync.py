"""Generate the package `_sync` from `_async`: the same code without asyncio.

python tools/generate_sync.py            write the files
python tools/generate_sync.py --check    exit 1 if a file is not as it would be written
"""

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "fusion_billing_client"
REPLACEMENTS = (
    (r"async (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync([A-Z])", r"\1"),
    (r"\basync_pause\b", "pause"),
    (r"\baclose\b", "close"),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"\b_async\b", "_sync"),
    (r" with asyncio", ""),
    (r"`_sync` is generated from this package by `tools/generate_sync.py`\.", "Generated from `_async`: do not edit."),
    (r"asyncio\.run\(main\(\)\)", "main()"),
)


def generated(source: str, path: Path) -> str:
    """Return the synchronous form of a module, formatted."""
    for pattern, replacement in REPLACEMENTS:
        source = re.sub(pattern, replacement, source)
    for arguments in (("check", "--quiet", "--select=I", "--fix"), ("format", "--quiet")):
        command = [sys.executable, "-m", "ruff", *arguments, f"--stdin-filename={path}", "-"]
        source = subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout
    return source


def main() -> int:
    """Write or check each file."""
    is_check = "--check" in sys.argv[1:]
    wrong = []
    for path in sorted((PACKAGE / "_async").glob("*.py")):
        target, text = PACKAGE / "_sync" / path.name, generated(path.read_text(), PACKAGE / "_sync" / path.name)
        if is_check and (not target.exists() or target.read_text() != text):
            wrong.append(target.name)
        elif not is_check:
            target.write_text(text)
    if wrong:
        print(f"not as tools/generate_sync.py writes them: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
