"""The client. Generated from `_async`: do not edit."""
