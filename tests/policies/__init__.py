"""Check template.yaml against policies: checkov's, cfn-lint's serverless rules, and our own (`make policies`)."""
