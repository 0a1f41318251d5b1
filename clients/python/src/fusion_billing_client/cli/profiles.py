"""Where the command gets its address and key: options, the environment, or a profile.

Addresses are in a file, keys in the system's keyring. `FUSION_BASE_URL` and `FUSION_KEY` override both, so a server
or CI needs neither.
"""

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusion_billing_client._sync.client import Client
from fusion_billing_client.cli.failures import Failure, UsageFailure

SERVICE = "fusion-billing"


@dataclass(frozen=True)
class Access:
    """The address of a service and a key."""

    base_url: str
    key: str | None = field(repr=False)
    profile: str

    def client(self) -> Client:
        """Return a client."""
        return Client(self.base_url, self.key)


def access(profile: str | None, base_url: str | None) -> Access:
    """Return what to call; raises `UsageFailure` if the address or the key is not known."""
    stored = _read()
    profiles = stored.get("profiles", {})
    name = profile or os.environ.get("FUSION_PROFILE") or stored.get("default") or "default"
    if profile and profile not in profiles and not os.environ.get("FUSION_BASE_URL") and not base_url:
        raise UsageFailure(f"--profile: there is no profile {profile!r}. Run fusion login --profile {profile}")
    url = base_url or os.environ.get("FUSION_BASE_URL") or profiles.get(name, {}).get("base_url")
    if not url:
        raise UsageFailure("base URL: not known. Run fusion login, or set FUSION_BASE_URL")
    key = os.environ.get("FUSION_KEY") or stored_key(name)
    if not key:
        raise UsageFailure("key: not known. Run fusion login, or set FUSION_KEY")
    return Access(url, key, name)


def stored_key(profile: str) -> str | None:
    """Return the key of a profile in the keyring, None if there is none or no keyring."""
    with contextlib.suppress(Exception):  # a keyring's backends raise errors of many kinds
        import keyring

        return keyring.get_password(SERVICE, profile)
    return None


def store(profile: str, base_url: str, key: str) -> None:
    """Store a profile, its key in the keyring; raises `Failure` if there is no keyring."""
    try:
        import keyring

        keyring.set_password(SERVICE, profile, key)
    except Exception as error:  # noqa: BLE001  its backends raise errors of many kinds
        reason = type(error).__name__
        raise Failure(
            f"keyring: could not store the key ({reason}). Set FUSION_BASE_URL and FUSION_KEY instead"
        ) from None
    stored = dict(_read())
    stored["profiles"] = {**stored.get("profiles", {}), profile: {"base_url": base_url}}
    stored.setdefault("default", profile)
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored, indent=2) + "\n")


def config_path() -> Path:
    """Return the file that has the profiles."""
    given = os.environ.get("FUSION_CONFIG")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "fusion-billing" / "config.json"


def _read() -> dict[str, Any]:
    path = config_path()
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text())
    except ValueError:
        raise Failure(f"{path}: is not valid JSON. Correct or delete it") from None
    return stored if isinstance(stored, dict) else {}
