from functions.admin.routing import json_answer


def test_an_answer_without_content_has_an_empty_body_and_not_a_null_one() -> None:
    answer = json_answer(204)
    assert (answer.status_code, answer.body) == (204, "")
