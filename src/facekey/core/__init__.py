"""What a face decision is: pure types and rules, without input or output."""
