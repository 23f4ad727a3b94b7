"""Saying how well a capture can be judged."""
