"""Turning aligned faces into identity vectors."""
