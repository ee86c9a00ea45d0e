"""Bytes → entries: what a source said, nothing guessed. Pure: no network, clock, settings or logging."""
