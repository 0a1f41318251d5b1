"""What the local cloud is told to allow beside the template follows from what the template allows."""

from local.permissions import also


def test_a_queue_that_may_be_written_may_be_written_in_batches() -> None:
    document = {"Statement": [{"Action": ["sqs:SendMessage", "sqs:ReceiveMessage"], "Resource": "arn:queue"}]}

    assert also(document) == [{"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": "arn:queue"}]


def test_what_the_template_does_not_allow_is_not_allowed_here() -> None:
    assert also({"Statement": [{"Action": ["dynamodb:Query"], "Resource": "arn:table"}]}) == []
