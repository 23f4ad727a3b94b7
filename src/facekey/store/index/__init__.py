"""One-to-many search."""
