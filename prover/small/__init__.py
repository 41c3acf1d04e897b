"""The small language model of the package, computed with numpy alone, so that it runs wherever the package is installed.

`weights` reads a folder as `lemma train` writes it, `tokens` is its tokenizer, `decoder` the network, `choosing` draws tokens or searches
for the likeliest, and `model` puts them together as a `LanguageModel`. `pack` makes of a training the folder that is shipped.

These modules import numpy. Whoever does not run a model imports none of them.
"""
