"""The admin function's routes: each module exports a `router`, and parses and authorises; services do."""
