"""The journal of a chaos run: what was asked for beside what was measured."""
