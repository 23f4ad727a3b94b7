"""Laying points over a face."""
