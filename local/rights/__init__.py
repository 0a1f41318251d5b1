"""The rights of the functions: what template.yaml grants, what calls need, and a watch that compares both in tests."""

from local.rights.calls import Use, uses
from local.rights.grants import Grant, granted
from local.rights.watch import Watch, acting, watched

__all__ = ["Grant", "Use", "Watch", "acting", "granted", "uses", "watched"]
