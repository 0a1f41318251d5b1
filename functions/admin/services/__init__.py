"""The admin function's use cases, one function each: they know no HTTP."""
