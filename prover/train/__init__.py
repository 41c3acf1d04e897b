"""Training a language model on pairs of prompt and completion.

`losses` has the formulas, `pairs` reads and splits the files, `rows` packs them, `tokenizer` and `model` make what is trained, and
`trainer` trains it. Nothing outside this package imports torch or transformers for it, and this file imports nothing, so that
whoever does not train does not load them.
"""
