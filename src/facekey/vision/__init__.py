"""From the bytes of a picture to the evidence in it."""
