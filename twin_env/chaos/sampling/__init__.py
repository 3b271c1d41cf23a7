"""Experiments by chance: priors, domain randomisation, curricula, prioritised replay."""
