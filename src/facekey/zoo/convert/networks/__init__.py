"""Architectures written out for weights that come without a graph, one file each."""
