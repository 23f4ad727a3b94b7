"""The ASGI entry point under its documented name."""
