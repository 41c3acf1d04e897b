"""Search algorithms and the graph they grow. Pure: nothing here knows Lean, a model or a database.

`strategy.search` drives any of the algorithms; each is a frozen dataclass of its settings in a file of its own.
"""
