"""Runs Lean and talks to it: installs or finds a toolchain, keeps server processes, and turns their protocol into values.

Start with `toolchain.find_toolchain`, `client.LeanServer` (one process) and `pool.LeanPool` (several, with spares).
"""
