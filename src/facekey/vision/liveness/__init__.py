"""Telling a live face from a picture of one."""
