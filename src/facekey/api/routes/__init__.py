"""One file for each resource; its schemas live with it."""
