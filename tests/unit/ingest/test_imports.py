"""What ingest's cold start may import: every millisecond of it is waited for by an app."""

import json
import subprocess
import sys

LEFT_OUT = {
    "aws_lambda_powertools": "its resolver, logger and metrics cost 30 to 100 ms each",
    "boto3": "botocore alone makes the same client",
    "cryptography": "nothing here signs with it",
    "pydantic": "records are checked by hand, four times as fast",
    "requests": "botocore brings its own HTTP",
    "fusion_billing.outbound": "nothing here calls out",
    "fusion_billing.catalog.validation": "definitions are pydantic models",
    "fusion_billing.rating": "nothing is rated here",
    "functions.admin": "another function",
}


def test_ingest_imports_nothing_it_does_not_need() -> None:
    script = "import json, sys, functions.ingest.handler; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "functions.ingest.service" in loaded
    assert {name: why for name, why in LEFT_OUT.items() if name in loaded} == {}
