"""Grows a Lean library: new theorems by symbolic rewriting of known ones, each checked by Lean's kernel.

Its stages will be pure functions over `lean_bridge`: candidates, rewrite, apply, filters, then the pipeline that orders
them and the report that counts what was rejected and why. The method is that of Alchemy (arXiv 2410.15748).
"""
