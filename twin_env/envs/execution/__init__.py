"""``TwinExecution-v0``: a parent order, worked by child orders."""
