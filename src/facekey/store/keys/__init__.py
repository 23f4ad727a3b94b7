"""Where the key that protects all others comes from."""
