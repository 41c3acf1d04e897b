"""Data sets made from the store, one format a module.

Each format is a pure function from records to lines, rows or files; `db.export.folder` writes what they yield so that nothing
half-written is ever seen, and `db.export.card` describes the result. Nothing here reads the clock: equal stores and equal
options give equal bytes.

==========================  ====================================================================================
`db.export.jsonl`           mutants, one JSON object a line, all columns
`db.export.parquet`         the same columns as Parquet, for which pyarrow must be installed
`db.export.cpt`             declarations as text, for continual pre-training
`db.export.sft`             pairs of prompt and completion, for supervised fine-tuning
`db.export.leandojo`        the layout of LeanDojo Benchmark 4
`db.export.lean_files`      a project of Lean files
`db.export.conjectures`     statements that are true or false, with proofs and counterexamples
==========================  ====================================================================================
"""
