"""What all readers share: cells, columns, row counts, compression and sampling."""
