"""Where tactics come from, one source a file."""
