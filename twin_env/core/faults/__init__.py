"""Faults inside a compiled world: when they begin, act and end, and what they change."""
