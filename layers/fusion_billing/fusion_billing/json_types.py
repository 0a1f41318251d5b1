"""Name JSON whose shape is not known to the type checker.

Only modules that parse, store or send JSON use these names in public signatures; `tests/unit/test_layering.py` lists
them. Everything else takes and returns dataclasses and TypedDicts.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonValue: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]
JsonMapping: TypeAlias = Mapping[str, Any]
"""A JSON object that is only read."""
