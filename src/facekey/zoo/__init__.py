"""Networks: from a card and a hash to a running session."""
