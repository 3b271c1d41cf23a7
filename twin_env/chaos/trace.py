"""What a run looked like, sample by sample."""


class Window:
    """One fault's time in a run, and in the paired run."""
