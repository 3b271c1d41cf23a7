"""Histories: files of every common format become tapes, or tables, of ticks, lots and nanoseconds."""
