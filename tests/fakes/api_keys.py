"""API keys."""

from dataclasses import dataclass, field

from fusion_billing.access.stored_key import StoredKey


@dataclass
class FakeApiKeys:
    """API keys in memory."""

    items: dict[str, StoredKey] = field(default_factory=dict)

    def get(self, key_id: str) -> StoredKey | None:
        return self.items.get(key_id)

    def create(self, key_id: str, key: StoredKey) -> None:
        self.items[key_id] = key
