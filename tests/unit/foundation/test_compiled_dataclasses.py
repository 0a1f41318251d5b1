"""Test that methods from the build are those that Python would compile, and that what the build lacks is compiled."""

import dataclasses
import marshal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fusion_billing import compiled_dataclasses


@pytest.fixture
def sources() -> Iterator[list[str]]:
    """The sources that `dataclasses` compiles; afterwards it compiles on its own again."""
    found: list[str] = []

    def execute(source: str, *namespaces: Any) -> None:
        found.append(source)
        exec(source, *namespaces)

    names = vars(dataclasses)
    names["exec"] = execute
    yield found
    del names["exec"]


def defined() -> Any:
    @dataclasses.dataclass(frozen=True, slots=True, order=True)
    class Price:
        amount: int
        currency: str = "EUR"
        tags: list[str] = dataclasses.field(default_factory=list)

    return Price


def stored(methods: dict[str, bytes], folder: Path) -> Path:
    file = folder / "methods"
    file.write_bytes(marshal.dumps(methods))
    return file


def test_methods_from_the_build_do_what_compiled_ones_do(sources: list[str], tmp_path: Path) -> None:
    defined()
    assert sources
    methods = {source: marshal.dumps(compile(source, "<string>", "exec")) for source in sources}

    compiled_dataclasses.use(stored(methods, tmp_path))
    sources.clear()
    price = defined()

    assert sources == []
    assert price(1) == price(1, "EUR", [])
    assert price(1) < price(2)
    assert price(1).tags is not price(1).tags
    assert repr(price(1)).endswith("Price(amount=1, currency='EUR', tags=[])")
    with pytest.raises(dataclasses.FrozenInstanceError):
        price(1).amount = 2
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'amount'"):
        price()


def test_methods_are_looked_up_by_their_whole_source(sources: list[str], tmp_path: Path) -> None:
    defined()
    wrong = {source[:-1]: marshal.dumps(compile("1 / 0", "<string>", "exec")) for source in sources}

    compiled_dataclasses.use(stored(wrong, tmp_path))

    price = defined()
    assert price(1) == price(1)


def test_nothing_changes_without_a_file(sources: list[str], tmp_path: Path) -> None:
    before = vars(dataclasses)["exec"]

    compiled_dataclasses.use(tmp_path / "none")

    assert vars(dataclasses)["exec"] is before
    assert not Path(compiled_dataclasses.__file__).with_name(compiled_dataclasses.FILE_NAME).exists()
