"""Tables, repositories and migrations: all SQL of FaceKey."""
