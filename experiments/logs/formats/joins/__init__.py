"""Tables joined to a log by keys: keys as salted hashes, the tables in DuckDB, and the reader that joins them block by block."""
