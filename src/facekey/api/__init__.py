"""FaceKey over HTTP: thin routes, one table of errors, no decisions."""
