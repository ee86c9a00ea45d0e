"""Measurements: scripts that print tables, run by hand."""
