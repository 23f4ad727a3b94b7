"""What all replicas share, in one Redis: sessions, challenges, frames, rate limits, revocations, wake-ups.

Redis sees no name and no face: keys are keyed hashes, values are sealed.
"""
