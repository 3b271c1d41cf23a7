"""Results for people: tables, files, TensorBoard."""
