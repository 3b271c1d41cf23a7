"""Training: configurations, learners, callbacks, curricula, the folders of runs."""
