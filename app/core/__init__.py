"""Documented names for what operators call."""
