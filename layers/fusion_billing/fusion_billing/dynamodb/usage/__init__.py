"""The usage table: usage records, written by conditional puts."""
