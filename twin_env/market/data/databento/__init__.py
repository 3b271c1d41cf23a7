"""Databento's DBN files."""
