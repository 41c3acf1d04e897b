"""The command line `lemma`: one module a group of commands."""
