"""Writes guarded by the version that was read."""

ROUNDS_MAX = 12
"""How often one is tried. A round is lost only if somebody else won it, within its milliseconds:
ten calls of one player at once need ten rounds at most."""
