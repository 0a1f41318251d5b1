"""People who sign in at an issuer of JWTs (OpenID Connect)."""
