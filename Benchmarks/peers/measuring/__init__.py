"""Runs two systems one after the other on the same sandbox and load."""
