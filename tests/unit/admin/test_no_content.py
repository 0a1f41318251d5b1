"""Responses without content."""

from functions.admin.responses import no_content


def test_a_response_without_content_has_an_empty_body_not_null() -> None:
    event = no_content().as_event()
    assert (event["statusCode"], event["body"]) == (204, "")
    assert "content-type" not in event["headers"]
