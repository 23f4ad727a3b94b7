"""The `facekey` command as `python -m facekey`."""

from facekey.cli.main import app

app()
