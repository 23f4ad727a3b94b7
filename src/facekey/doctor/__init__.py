"""The production list, item by item: what `facekey doctor` looks at."""
