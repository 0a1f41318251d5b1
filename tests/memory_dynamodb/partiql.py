"""The PartiQL statements that the stores make: INSERT, UPDATE and DELETE of one item, with parameters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal as OneOf

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
    Literal,
    Not,
    Operand,
    Path,
    Placeholder,
    Predicate,
    Update,
)
from tests.memory_dynamodb.parsing import END, TESTS, Token, Tokens, path_of

_TOKEN = re.compile(
    r"""\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|"(?P<quoted>[^"]*)"|'(?P<string>(?:[^']|'')*)'|(?P<parameter>\?)"""
    r"|(?P<number>\d+(?:\.\d+)?)|(?P<operator><<|>>|<>|!=|<=|>=|[=<>+\-(),.\[\]{}:]))"
)
_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ABOUT = "Statement"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: an item to insert, an update, or a deletion, under a condition that holds the key."""

    action: OneOf["insert", "update", "delete"]
    table: str
    item: Literal | None
    update: Update
    condition: Condition | None
    parameters: int


def _tokens(text: str) -> Iterator[Token]:
    place, parameters = 0, 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise invalid(f"Statement wasn't well formed, can't be processed: {text[place : place + 10]}")
        kind = match.lastgroup
        assert kind is not None
        if kind == "parameter":
            yield kind, f"?{parameters}"
            parameters += 1
        else:
            yield kind, match[kind]
        place = match.end()


@lru_cache(4096)
def parse(text: str) -> Statement:
    """Return a statement; `NotImplementedError` for one that no store makes."""
    tokens = Tokens(_tokens(text), _ABOUT, reserves=False)
    action = tokens.take()[1].upper()
    table, item, change, condition = "", None, Update(), None
    if action == "INSERT":
        tokens.expect("INTO")
        table = _table(tokens)
        tokens.expect("VALUE")
        literal = _literal(tokens)
        assert isinstance(literal, Literal)
        item = literal
    elif action == "UPDATE":
        table = _table(tokens)
        change = _changes(tokens)
        condition = _where(tokens)
    elif action == "DELETE":
        tokens.expect("FROM")
        table = _table(tokens)
        condition = _where(tokens)
    else:
        raise NotImplementedError(f"{action} is no statement that a store makes")
    if tokens.next is not END:
        tokens.fail()
    return Statement(action.lower(), table, item, change, condition, text.count("?"))  # type: ignore[arg-type]


def _table(tokens: Tokens) -> str:
    kind, name = tokens.take()
    if kind not in ("quoted", "word"):
        tokens.fail()
    return name


def _changes(tokens: Tokens) -> Update:
    sets: list[tuple[Path, Operand]] = []
    removes: list[Path] = []
    while tokens.is_word("SET", "REMOVE"):
        section = tokens.take()[1].upper()
        while True:
            path = _path(tokens)
            if section == "REMOVE":
                removes.append(path)
            else:
                tokens.expect("=")
                sets.append((path, _value(tokens)))
            if not tokens.took(","):
                break
    if not sets and not removes:
        tokens.fail()
    return Update(tuple(sets), tuple(removes))


def _path(tokens: Tokens) -> Path:
    kind, text = tokens.next
    if kind == "quoted":
        tokens.take()
        return Path((text,))
    return path_of(tokens)


def _value(tokens: Tokens) -> Operand:
    left = _single(tokens)
    for operator in ("+", "-"):
        if tokens.took(operator):
            return Arithmetic(operator, left, _single(tokens))
    return left


def _single(tokens: Tokens) -> Operand:
    kind, text = tokens.next
    if kind == "word" and tokens.after_next == ("operator", "("):
        tokens.take()
        if text not in ("list_append", "if_not_exists", "set_add", "set_delete", "size"):
            tokens.unknown(text)
        tokens.expect("(")
        arguments = [_value(tokens)]
        while tokens.took(","):
            arguments.append(_value(tokens))
        tokens.expect(")")
        return Function(text, tuple(arguments))
    if kind in ("word", "quoted") and text.lower() not in ("true", "false", "null"):
        return _path(tokens)
    return _literal(tokens)


def _literal(tokens: Tokens) -> Operand:
    kind, text = tokens.take()
    if kind == "parameter":
        return Placeholder(text)
    if kind == "string":
        return Literal("S", text.replace("''", "'"))
    if kind == "number":
        return Literal("N", text)
    if kind == "word" and text.lower() in ("true", "false"):
        return Literal("BOOL", text.lower() == "true")
    if kind == "word" and text.lower() == "null":
        return Literal("NULL", True)
    if text == "{":
        return Literal("M", _members(tokens))
    if text == "[":
        return Literal("L", _elements(tokens, "]"))
    if text == "<<":
        return Literal("set", _elements(tokens, ">>"))
    return tokens.fail()


def _members(tokens: Tokens) -> tuple[tuple[str, Operand], ...]:
    members: list[tuple[str, Operand]] = []
    while not tokens.took("}"):
        if members:
            tokens.expect(",")
        kind, name = tokens.take()
        if kind not in ("string", "quoted"):
            tokens.fail()
        tokens.expect(":")
        members.append((name, _literal(tokens)))
    return tuple(members)


def _elements(tokens: Tokens, end: str) -> tuple[Operand, ...]:
    elements: list[Operand] = []
    while not tokens.took(end):
        if elements:
            tokens.expect(",")
        elements.append(_literal(tokens))
    return tuple(elements)


def _where(tokens: Tokens) -> Condition:
    tokens.expect("WHERE")
    return _either(tokens)


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
    if tokens.next[0] == "word" and tokens.after_next == ("operator", "(") and word in TESTS:
        tokens.take()
        tokens.expect("(")
        arguments = [_value(tokens)]
        while tokens.took(","):
            arguments.append(_value(tokens))
        tokens.expect(")")
        return Predicate(word, tuple(arguments))
    return _comparison(tokens)


def _comparison(tokens: Tokens) -> Condition:
    left = _value(tokens)
    if tokens.took("IS"):
        negated = tokens.took("NOT")
        what = tokens.take()[1].upper()
        if what == "MISSING":
            return Predicate("attribute_exists" if negated else "attribute_not_exists", (left,))
        if what == "NULL":
            is_null = Predicate("attribute_type", (left, Literal("S", "NULL")))
            return Not(is_null) if negated else is_null
        tokens.fail()
    if tokens.took("BETWEEN"):
        low = _value(tokens)
        tokens.expect("AND")
        return Between(left, low, _value(tokens))
    if tokens.took("IN"):
        opening = tokens.take()[1]
        if opening not in "([":
            tokens.fail()
        return In(left, _elements(tokens, ")" if opening == "(" else "]"))
    operator = _COMPARISONS.get(tokens.take()[1])
    if operator is None:
        tokens.fail()
    return Comparison(operator, left, _value(tokens))
