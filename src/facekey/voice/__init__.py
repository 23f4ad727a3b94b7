"""Recordings to speaker embeddings: the second, weak modality. Off unless an operator wants it."""
