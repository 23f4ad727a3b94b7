"""Training: torch lives here only. Imports facekey; facekey never imports this."""
