"""The network against the same formulas done slowly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prover.small.decoder import TOKENS, Continuations, Decoder
from prover.small.weights import read_shape, read_weights
from tests.prover.small.toy import slow_logits, tokenizer_document, written


@pytest.mark.parametrize(("groups", "tied"), [(4, True), (2, True), (1, False)])
def test_rows_of_several_prompts_in_one_batch_have_the_logits_of_each_text_alone(
    tmp_path: Path, groups: int, tied: bool
) -> None:
    folder = written(tmp_path, groups=groups, tied=tied)
    shape = read_shape(folder)
    weights = read_weights(folder, shape)
    decoder = Decoder(shape, weights)
    random = np.random.default_rng(1)
    prompts = [random.integers(0, shape.vocabulary, length).tolist() for length in (1, 7, 20)]
    batch = [Continuations(decoder.read(prompt), rows) for prompt, rows in zip(prompts, (3, 1, 4), strict=True)]
    for prompt, one in zip(prompts, batch, strict=True):
        np.testing.assert_allclose(one.prefix.logits, slow_logits(shape, weights, prompt)[-1], atol=1e-4)
    texts = [[list(prompt) for _ in range(one.rows)] for prompt, one in zip(prompts, batch, strict=True)]
    for step in range(TOKENS + 3):
        if step == 2:
            # A row leaves, another comes twice, and all change their places.
            for one, rows, parents in zip(batch, texts, ([2, 0], [0], [3, 3, 1, 0]), strict=True):
                one.choose(np.array(parents))
                rows[:] = [list(rows[parent]) for parent in parents]
        tokens = random.integers(0, shape.vocabulary, sum(one.rows for one in batch))
        for text, token in zip((text for rows in texts for text in rows), tokens.tolist(), strict=True):
            text.append(token)
        logits = decoder.step(batch, tokens)
        if step in {0, 2, TOKENS + 2}:
            slow = [slow_logits(shape, weights, text)[-1] for rows in texts for text in rows]
            np.testing.assert_allclose(logits, slow, atol=1e-4)


@pytest.mark.lm
def test_it_is_the_network_of_transformers(tmp_path: Path) -> None:
    needed = "NOT COMPARED WITH TRANSFORMERS: install the extra `lm`"
    torch = pytest.importorskip("torch", reason=needed)
    transformers = pytest.importorskip("transformers", reason=needed)
    from prover.train.model import new_model
    from prover.train.presets import PRESETS

    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer_document()))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "tokenizer.json"), bos_token="<|prompt|>", eos_token="<|end|>"
    )
    torch.manual_seed(0)
    model = new_model(PRESETS["tiny"], tokenizer, 64)
    model.save_pretrained(tmp_path)
    shape = read_shape(tmp_path)
    decoder = Decoder(shape, read_weights(tmp_path, shape))
    tokens = torch.randint(0, shape.vocabulary, (1, 64))
    with torch.inference_mode():
        theirs = model(input_ids=tokens).logits[0].numpy()
    ours = [decoder.read(tokens[0, :length].tolist()).logits for length in (1, 20, 64)]
    np.testing.assert_allclose(ours, theirs[[0, 19, 63]], atol=1e-4)
    rows = Continuations(decoder.read(tokens[0, :20].tolist()), 1)
    for place in range(20, 64):
        logits = decoder.step([rows], tokens[0, place : place + 1].numpy())
        np.testing.assert_allclose(logits[0], theirs[place], atol=1e-4)
