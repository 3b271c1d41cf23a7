"""Policies: rules and loaders of trained ones, all with the predict of stable-baselines3."""
