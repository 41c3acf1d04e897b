"""Benchmarks that can be believed: problems from public files, attempts in the store, figures with their intervals."""
