"""The Gymnasium faces of the twin."""
