"""An update expression holds the clauses that apply."""

from fusion_billing.dynamodb.expressions import UpdateExpression, placeholders


def test_clauses_follow_each_other() -> None:
    update = UpdateExpression().set("q").set("#at").set("rev", "rev + :one").remove("voided", "mem").add("raised")
    assert str(update) == "SET q = :q, #at = :at, rev = rev + :one REMOVE voided, mem ADD raised :raised"


def test_a_clause_that_does_not_apply_is_left_out() -> None:
    update = UpdateExpression().set("seq", when=False).remove("mem", when=False).add("raised", when=False)
    assert not str(update)
    assert str(update.set_all(["a", "b"])) == "SET a = :a, b = :b"


def test_values_are_named_by_their_attributes() -> None:
    assert placeholders({"#at": 1, "q": 2}) == {":at": 1, ":q": 2}
