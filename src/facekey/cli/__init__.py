"""The `facekey` command."""
