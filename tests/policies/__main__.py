"""Print what the tools find in template.yaml and no exception accepts; exit with 1 if there is anything."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.policies.findings import EXCEPTIONS, complaints, exceptions
from tests.policies.tools import ROOT, cfn_lint, checkov, guard, guard_rule_names

_BAD_TEMPLATE = Path(__file__).with_name("bad_template.yaml")


def main() -> int:
    """Run every tool, and compare with the exceptions."""
    template = ROOT / "template.yaml"
    with ThreadPoolExecutor() as threads:
        found = [finding for findings in threads.map(lambda tool: list(tool(template)), _TOOLS) for finding in findings]
    problems = list(complaints(found, exceptions(EXCEPTIONS.read_text())))
    unbroken = set(guard_rule_names()) - {finding.check for finding in guard(_BAD_TEMPLATE)}
    problems += [f"{_BAD_TEMPLATE.name}: must break {rule}, else the rule checks nothing" for rule in sorted(unbroken)]
    for problem in problems:
        print(problem)
    print(f"template.yaml: {len(found)} findings, {len(problems)} to correct ({EXCEPTIONS.relative_to(ROOT)})")
    return 1 if problems else 0


_TOOLS = (checkov, cfn_lint, guard)

if __name__ == "__main__":
    sys.exit(main())
