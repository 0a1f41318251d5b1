"""Condition, key-condition, filter, projection and update expressions, parsed; each text once."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as FilePath
from typing import NoReturn

from tests.memory_dynamodb.errors import invalid
from tests.memory_dynamodb.nodes import (
    Arithmetic,
    Between,
    Both,
    Comparison,
    Condition,
    Either,
    Function,
    In,
    Not,
    Operand,
    Path,
    Placeholder,
    Predicate,
    Update,
)

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<name>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>\d+)|(?P<operator><>|<=|>=|[=<>+\-(),.\[\]]))"
)
TESTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_RESERVED = frozenset(FilePath(__file__).with_name("reserved_words.txt").read_text().split())
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")

Token = tuple[str, str]
END: Token = ("end", "")


def _tokens(text: str, about: str) -> Iterator[Token]:
    place = 0
    text = text.rstrip()
    if not text:
        raise invalid(f"Invalid {about}: The expression can not be empty;")
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise invalid(f'Invalid {about}: Syntax error; token: "{text[place : place + 10]}"')
        kind = match.lastgroup
        assert kind is not None
        yield kind, match[kind]
        place = match.end()


class Tokens:
    """What is left of an expression."""

    def __init__(self, tokens: Iterator[Token], about: str, *, reserves: bool = True) -> None:
        self.reserves = reserves
        self._tokens = [*tokens, END]
        self._place = 0
        self._about = about

    @property
    def next(self) -> Token:
        """Return the next token, without taking it."""
        return self._tokens[self._place]

    @property
    def after_next(self) -> Token:
        """Return the token after the next."""
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Take the next token."""
        token = self.next
        self._place += 1
        return token

    def is_word(self, *words: str) -> bool:
        """Tell whether the next token is one of these keywords."""
        return self.next[0] == "word" and self.next[1].upper() in words

    def took(self, text: str) -> bool:
        """Take the next token if it is this operator or keyword."""
        if self.next == ("operator", text) or self.is_word(text):
            self._place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Take this operator or keyword; a syntax error where it is not next."""
        if not self.took(text):
            self.fail()

    def fail(self) -> NoReturn:
        """Raise a syntax error at the next token."""
        raise invalid(f'Invalid {self._about}: Syntax error; token: "{self.next[1] or "<EOF>"}"')

    def unknown(self, function: str) -> NoReturn:
        """Raise that there is no such function."""
        raise invalid(f"Invalid {self._about}: Invalid function name; function: {function}")


@lru_cache(4096)
def condition(text: str, about: str) -> Condition:
    """Return a parsed condition; `about` is the parameter's name."""
    tokens = Tokens(_tokens(text, about), about)
    parsed = _either(tokens)
    if tokens.next is not END:
        tokens.fail()
    return parsed


def _either(tokens: Tokens) -> Condition:
    left = _both(tokens)
    while tokens.took("OR"):
        left = Either(left, _both(tokens))
    return left


def _both(tokens: Tokens) -> Condition:
    left = _not(tokens)
    while tokens.took("AND"):
        left = Both(left, _not(tokens))
    return left


def _not(tokens: Tokens) -> Condition:
    if tokens.took("NOT"):
        return Not(_not(tokens))
    if tokens.took("("):
        inner = _either(tokens)
        tokens.expect(")")
        return inner
    word = tokens.next[1]
    if tokens.next[0] == "word" and tokens.after_next == ("operator", "(") and word != "size":
        tokens.take()
        if word not in TESTS:
            tokens.unknown(word)
        arguments = _arguments(tokens)
        if len(arguments) != TESTS[word]:
            raise invalid("Invalid expression: Incorrect number of operands for operator or function")
        return Predicate(word, arguments)
    return _comparison(tokens)


def _comparison(tokens: Tokens) -> Condition:
    left = _operand(tokens)
    if tokens.took("BETWEEN"):
        low = _operand(tokens)
        tokens.expect("AND")
        return Between(left, low, _operand(tokens))
    if tokens.took("IN"):
        return In(left, _arguments(tokens))
    kind, operator = tokens.next
    if kind != "operator" or operator not in _COMPARISONS:
        tokens.fail()
    tokens.take()
    return Comparison(operator, left, _operand(tokens))


def _operand(tokens: Tokens) -> Operand:
    kind, text = tokens.next
    if kind == "value":
        tokens.take()
        return Placeholder(text)
    if kind == "word" and tokens.after_next == ("operator", "("):
        tokens.take()
        if text != "size":
            tokens.unknown(text)
        return Function(text, _arguments(tokens))
    return path_of(tokens)


def _arguments(tokens: Tokens) -> tuple[Operand, ...]:
    tokens.expect("(")
    arguments = [_operand(tokens)]
    while tokens.took(","):
        arguments.append(_operand(tokens))
    tokens.expect(")")
    return tuple(arguments)


def path_of(tokens: Tokens) -> Path:
    """Take a document path."""
    parts: list[str | int] = [_name(tokens)]
    while True:
        if tokens.took("."):
            parts.append(_name(tokens))
        elif tokens.took("["):
            kind, text = tokens.take()
            if kind != "number":
                tokens.fail()
            parts.append(int(text))
            tokens.expect("]")
        else:
            return Path(tuple(parts))


def _name(tokens: Tokens) -> str:
    kind, text = tokens.next
    if kind not in ("word", "name"):
        tokens.fail()
    tokens.take()
    if kind == "word" and tokens.reserves and text.upper() in _RESERVED:
        raise invalid(f"Invalid expression: Attribute name is a reserved keyword; reserved keyword: {text}")
    return text


@lru_cache(4096)
def projection(text: str) -> tuple[Path, ...]:
    """Return the paths of a projection expression."""
    tokens = Tokens(_tokens(text, "ProjectionExpression"), "ProjectionExpression")
    paths = [path_of(tokens)]
    while tokens.took(","):
        paths.append(path_of(tokens))
    if tokens.next is not END:
        tokens.fail()
    return tuple(paths)


@lru_cache(4096)
def update(text: str) -> Update:
    """Return a parsed update expression."""
    tokens = Tokens(_tokens(text, "UpdateExpression"), "UpdateExpression")
    sections: dict[str, list[tuple[Path, Operand]]] = {}
    removes: list[Path] = []
    seen = set()
    while tokens.next is not END:
        section = tokens.take()[1].upper()
        if section not in _SECTIONS:
            raise invalid(f'Invalid UpdateExpression: Syntax error; token: "{section}"')
        if section in seen:
            raise invalid(f'Invalid UpdateExpression: The "{section}" section can only be used once;')
        seen.add(section)
        while True:
            path = path_of(tokens)
            if section == "REMOVE":
                removes.append(path)
            else:
                sections.setdefault(section, []).append((path, _changed(tokens, section)))
            if not tokens.took(","):
                break
    get = {name: tuple(sections.get(name, ())) for name in _SECTIONS}
    return Update(get["SET"], tuple(removes), get["ADD"], get["DELETE"])


def _changed(tokens: Tokens, section: str) -> Operand:
    if section == "SET":
        tokens.expect("=")
        left = _new_value(tokens)
        for operator in ("+", "-"):
            if tokens.took(operator):
                return Arithmetic(operator, left, _new_value(tokens))
        return left
    kind, text = tokens.take()
    if kind != "value":
        tokens.fail()
    return Placeholder(text)


def _new_value(tokens: Tokens) -> Operand:
    kind, text = tokens.next
    if kind == "value":
        tokens.take()
        return Placeholder(text)
    if kind == "operator" and text == "(":
        tokens.take()
        inner = _new_value(tokens)
        tokens.expect(")")
        return inner
    if kind == "word" and tokens.after_next == ("operator", "("):
        tokens.take()
        if text not in ("if_not_exists", "list_append"):
            tokens.unknown(text)
        tokens.expect("(")
        first = _new_value(tokens)
        tokens.expect(",")
        second = _new_value(tokens)
        tokens.expect(")")
        return Function(text, (first, second))
    return path_of(tokens)
