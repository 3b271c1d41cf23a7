"""Policies: rules, loaders of trained models, and what trains and plays them."""
