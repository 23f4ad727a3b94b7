"""FaceKey for edge boards: a folder that runs by itself, and what makes it small and quick."""
