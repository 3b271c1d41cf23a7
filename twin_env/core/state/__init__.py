"""What every kernel stands on: a world's record, its codes, its random streams, the compiler."""
