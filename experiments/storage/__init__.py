"""Result folders, the journal of finished cells, and the catalogue over all of them."""
