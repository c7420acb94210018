"""Replay one trace over contents with settings, and return a Result."""
