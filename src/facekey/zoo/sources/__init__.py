"""Where weights come from: package registries, public URLs, a folder, this distribution."""
