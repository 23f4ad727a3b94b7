"""Measurements, each with its protocol printed. `python -m bench NAME` or `make bench`."""
