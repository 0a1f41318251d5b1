"""The local cloud gets the built template, but for alarms that it can't create."""

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
