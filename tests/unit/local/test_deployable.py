"""The local cloud gets the built template, but for what it can't create or doesn't know."""

from pathlib import Path

from local.deployable import for_local_cloud

BUILT = """\
Globals:
  Function: {}
Resources:
  Topic:
    Type: AWS::SNS::Topic
  PlainAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: Errors
      Dimensions: []
  ExpressionAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Metrics:
      - Expression: FILL(runs, 0)
      Threshold: 1
  Dashboard:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardBody: |
        {"widgets": []}
Outputs:
  ApiUrl:
    Value: x
"""


def test_only_alarms_on_expressions_are_left_out(tmp_path: Path) -> None:
    built = tmp_path / "template.yaml"
    built.write_text(BUILT)
    copy = for_local_cloud(built)
    before, after = BUILT.split("  ExpressionAlarm:"), copy.read_text()

    assert copy.parent == built.parent  # paths to artifacts are relative
    assert after == before[0] + "  Dashboard:" + before[1].partition("  Dashboard:")[2]


def without(text: str, folder: Path) -> str:
    built = folder / "template.yaml"
    built.write_text(text)
    return for_local_cloud(built).read_text()


def test_policies_that_require_tls_are_left_out(tmp_path: Path) -> None:
    policy = "  QueuePolicy:\n    Type: AWS::SQS::QueuePolicy\n    Properties:\n      Queues: []\n"

    assert without(BUILT.replace("  PlainAlarm:\n", f"{policy}  PlainAlarm:\n"), tmp_path) == without(BUILT, tmp_path)


def test_conditions_on_the_encryption_context_are_left_out(tmp_path: Path) -> None:
    statement = """\
          - Sid: ReadSecrets
            Action:
            - kms:Decrypt
            Resource: arn
"""
    condition = """\
            Condition:
              StringLike:
                kms:EncryptionContext:endpoint: ep_*
"""
    role = f"  Role:\n    Type: AWS::IAM::Role\n    Properties:\n{statement}"
    with_condition = BUILT.replace("  PlainAlarm:\n", f"{role}{condition}  PlainAlarm:\n")
    plain = BUILT.replace("  PlainAlarm:\n", f"{role}  PlainAlarm:\n")

    assert without(with_condition, tmp_path) == without(plain, tmp_path)
