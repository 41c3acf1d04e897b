"""Puts the parts of LemmaForge together: the settings and the command line `lemma`.

This is the only package that knows all the others. Start with `workbench.cli.app`.
"""
