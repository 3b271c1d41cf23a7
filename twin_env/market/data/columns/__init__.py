"""Trades, quotes and bars in CSV or Parquet files, read by the meaning of their columns."""
