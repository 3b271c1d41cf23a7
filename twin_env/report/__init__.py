"""Results for people and programs: tables, JSON, HTML, TensorBoard."""
