"""DynamoDB: one module an item family, low-level calls, conditions spelled out clause by clause."""
