"""The two HTTP interfaces that the demo speaks to: the service's own, and Odoo's."""

from typing import Any

import requests

_SECONDS = 60


class Unexpected(RuntimeError):
    """A response that the demo cannot continue with; the message shows it."""


class Service:
    """The service under `base_url`, called with `key`."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self._session = _session({"Authorization": f"Bearer {key}"})

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Return the JSON of the response; raises `Unexpected` for a status of 400 or more."""
        response = self._session.request(method, self.base_url + path, json=body, headers=headers, timeout=_SECONDS)
        if response.status_code >= 400:  # noqa: PLR2004
            raise Unexpected(f"{method} {path} returned status {response.status_code}: {response.text[:2000]}")
        return response.json() if response.content else None

    def find(self, path: str) -> Any:
        """Return the JSON of what is at `path`, None if nothing is."""
        response = self._session.get(self.base_url + path, timeout=_SECONDS)
        return response.json() if response.status_code == 200 else None  # noqa: PLR2004

    def knows_the_key(self) -> bool:
        """Return whether the key is good here."""
        response = self._session.get(self.base_url + "/v1/metrics", timeout=_SECONDS)
        return response.status_code == 200  # noqa: PLR2004


class Odoo:
    """The stand-in Odoo under `url`: its JSON-2 interface, and its controls."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = _session({})

    def control(self, name: str, **arguments: Any) -> Any:
        """Use one of the stand-in's controls."""
        return self._post(f"/stand-in/{name}", arguments, {})

    def search_read(self, model: str, domain: list[Any], fields: list[str], key: str, database: str) -> Any:
        """Read records as any client of Odoo's would."""
        headers = {"Authorization": f"bearer {key}", "X-Odoo-Database": database}
        return self._post(f"/json/2/{model}/search_read", {"domain": domain, "fields": fields}, headers)

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        response = self._session.post(self.url + path, json=body, headers=headers, timeout=_SECONDS)
        if response.status_code != 200:  # noqa: PLR2004
            raise Unexpected(f"Odoo's {path} returned status {response.status_code}")
        return response.json()


def _session(headers: dict[str, str]) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy stands between this machine and itself
    session.headers.update(headers)
    return session
