"""The use cases of the admin function, one function each. Nothing here depends on HTTP."""
