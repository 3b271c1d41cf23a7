"""What a run looked like, sample by sample, and the window of one fault in it beside the same time of the paired run."""


class Window:
    """One fault's time in a run, and in the paired run."""
