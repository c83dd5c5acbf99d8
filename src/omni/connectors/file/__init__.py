"""People from files: CSV, JSONL and Parquet, read row by row in bounded memory."""
