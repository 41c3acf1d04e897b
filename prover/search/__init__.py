"""Search algorithms and the graph they grow. Pure: nothing here knows Lean, a model or a database."""
