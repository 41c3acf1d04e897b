from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
import torch

from prover.errors import BadPairs
from prover.train.batches import Batch, causal_batch, seq2seq_batch
from prover.train.losses import IGNORED, summed, token_log_probs
from prover.train.model import new_model
from prover.train.pairs import Pair, Proof, read_proofs, split
from prover.train.presets import Preset
from prover.train.rows import Borders, Order, Packer, Row
from prover.train.tokenizer import train_tokenizer

pytestmark = pytest.mark.lm

BORDERS = Borders((1,), (2,), (3,))


def encode(texts: list[str]) -> list[list[int]]:
    """A letter a token."""
    return [[ord(letter) for letter in text] for text in texts]


def step(theorem: str, prompt: str, completion: str) -> Pair:
    return Pair(prompt, completion, theorem, tactic=True)


def wrote(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_tactics_of_a_theorem_are_put_together_and_proofs_stand_alone(tmp_path: Path) -> None:
    tactic = {"prompt": "a", "completion": "b", "theorem": "t", "state_after": "c"}
    whole = {"prompt": "theorem t", "completion": "by simp", "theorem": "t"}
    path = wrote(tmp_path / "pairs.jsonl", tactic, whole, {**tactic, "prompt": "c", "state_after": "no goals"})
    assert sorted(map(len, read_proofs([path]))) == [1, 2]
    assert sorted(map(len, read_proofs([path, path]))) == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no JSON object"),
        ('{"prompt": "a"}', "no text under the key completion"),
        ('{"prompt": 1, "completion": "b"}', "no text under the key prompt"),
        ('{"prompt": "a", "completion": ""}', "an empty completion"),
        ('{"instruction": "i", "input": "a", "output": "b"}', "--format plain"),
        ('{"text": "theorem"}', "without a prompt"),
        ("\xff", "is no JSON"),
    ],
)
def test_a_line_that_is_no_pair_is_named_by_file_and_line(line: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b'{"prompt": "a", "completion": "b"}\n\n' + line.encode("latin-1"))
    with pytest.raises(BadPairs, match=f"pairs.jsonl:3 .*{complaint}"):
        read_proofs([path])


def test_a_file_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPairs, match="no pair in there"):
        read_proofs([wrote(tmp_path / "empty.jsonl")])
    with pytest.raises(BadPairs, match=r"missing\.jsonl cannot be read"):
        read_proofs([tmp_path / "missing.jsonl"])


def test_a_theorem_and_its_mutants_are_on_one_side_whatever_the_seed() -> None:
    names = [f"Nat.t{i}" for i in range(300)]
    proofs: list[Proof] = [(Pair("p", "c", name + end),) for name in names for end in ("", ".mutant_1a", ".restated")]
    one, other = split(proofs, 0.2, 1), split(proofs, 0.2, 2)
    assert one == other
    sides = [{proof[0].origin for proof in side} for side in (one.train, one.validation)]
    assert not sides[0] & sides[1]
    assert 30 < len(sides[1]) < 90


def test_pairs_without_a_theorem_are_split_by_the_seed() -> None:
    proofs: list[Proof] = [(Pair(f"p{i % 100}", f"c{i}"),) for i in range(200)]
    one, other = split(proofs, 0.3, 1), split(proofs, 0.3, 2)
    assert one == split(proofs, 0.3, 1)
    assert one != other
    assert not {p[0].prompt for p in one.train} & {p[0].prompt for p in one.validation}


def test_every_pair_is_in_one_row_and_no_row_is_too_long() -> None:
    proofs: list[Proof] = [(Pair("p" * (i % 17), f"c{i}"),) for i in range(200)]
    packer = Packer(encode, BORDERS, context=40)
    rows = packer.rows(proofs, Random(1))
    assert all(sum(unit.size for unit in row) <= 40 for row in rows)
    texts = Counter(tuple(example.tokens) for row in rows for unit in row for example in unit.examples)
    assert len(texts) == 200 == packer.counts.pairs
    assert packer.counts.tokens / (40 * len(rows)) > 0.9
    assert rows == Packer(encode, BORDERS, context=40).rows(proofs, Random(1))
    assert rows != Packer(encode, BORDERS, context=40).rows(proofs, Random(2))


def test_a_long_prompt_loses_its_beginning_and_a_long_completion_is_left_out() -> None:
    proofs: list[Proof] = [(Pair("x" * 50 + "⊢ goal", "simp"),), (Pair("⊢", "y" * 60),), (Pair("⊢", "rfl"),)]
    packer = Packer(encode, BORDERS, context=32)
    examples = [u.examples[0] for row in packer.rows(proofs, Random(0)) for u in row]
    assert (packer.counts.pairs, packer.counts.cut, packer.counts.left_out) == (2, 1, 1)
    [cut] = [list(e.tokens) for e in examples if len(e.tokens) == 32]
    assert cut == [1, *map(ord, "x" * 19 + "⊢ goal"), 2, *map(ord, "simp"), 3]


def test_a_proof_is_one_unit_for_the_whole_and_a_unit_a_tactic_else() -> None:
    proof = (step("t", "a", "intro"), step("t", "b", "simp"))
    long = (step("u", "a" * 20, "intro"), step("u", "b" * 20, "simp"))
    [[whole]] = (packer := Packer(encode, BORDERS, context=40, whole=True)).rows([proof, long], Random(0))
    assert (len(whole.examples), whole.steps) == (2, 2)
    assert (packer.counts.pairs, packer.counts.left_out) == (2, 2)
    rows = Packer(encode, BORDERS, context=40).rows([proof, long], Random(0))
    assert [(len(unit.examples), unit.steps) for row in rows for unit in row] == [(1, 2)] * 4


def test_an_epoch_takes_each_row_once_and_the_order_is_a_function_of_the_step() -> None:
    order = Order(rows=10, batch=4, seed=3)
    taken = [row for number in range(5) for row in order.step(number)]
    assert sorted(taken[:10]) == sorted(taken[10:]) == list(range(10))
    assert taken[:10] != taken[10:]
    assert [Order(10, 4, 3).step(number) for number in (4, 2)] == [taken[16:], taken[8:12]]


def unit_log_probs(model: torch.nn.Module, batch: Batch) -> list[float]:
    logits = model(**batch.inputs, use_cache=False).logits
    found: list[float] = summed(token_log_probs(logits, batch.labels), batch.groups, len(batch.steps)).tolist()
    return found


def test_a_packed_row_gives_each_example_the_probability_that_it_has_alone() -> None:
    proofs: list[Proof] = [
        (Pair("n : Nat\n⊢ n = n", "rfl"),),
        (Pair("⊢ True", "trivial"),),
        (Pair("h : p\n⊢ p", "exact h"),),
    ]
    tokenizer = train_tokenizer([text for (pair,) in proofs for text in (pair.prompt, pair.completion)], 300)
    torch.manual_seed(0)
    model = new_model(Preset(300, 32, 2, 2, 64), tokenizer, 128)

    def coded(texts: list[str]) -> list[list[int]]:
        return [tokenizer.encode(text, add_special_tokens=False) for text in texts]

    [row] = Packer(coded, BORDERS, context=120).rows(proofs, Random(0))
    apart: list[Row] = [(unit,) for unit in row]
    with torch.no_grad():
        together = unit_log_probs(model, causal_batch([row], 0))
        padded = unit_log_probs(model, causal_batch(apart, 0))
        alone = [unit_log_probs(model, causal_batch([one], 0))[0] for one in apart]
        # Without mask and positions of ours, as transformers runs a single text.
        plain = [lone_log_prob(model, one) for one in apart]
    assert together == pytest.approx(plain, abs=1e-4)
    assert padded == pytest.approx(plain, abs=1e-4)
    assert alone == pytest.approx(plain, abs=1e-4)


def lone_log_prob(model: torch.nn.Module, row: Row) -> float:
    [example] = row[0].examples
    ids = torch.tensor([list(example.tokens)])
    found = model(input_ids=ids, use_cache=False).logits.log_softmax(-1)[0]
    places = range(len(example.tokens) - example.learnt, len(example.tokens))
    return sum(float(found[place - 1, example.tokens[place]]) for place in places)


def decoded(tokens: Sequence[int]) -> list[int]:
    return [token for token in tokens if token != IGNORED]


def test_an_encoder_reads_the_prompt_and_the_decoder_writes_the_completion() -> None:
    proofs: list[Proof] = [(Pair("ab", "c"),), (Pair("d", "ef"),)]
    [row] = Packer(encode, Borders((), (9,), (9,)), context=30).rows(proofs, Random(0))
    batch = seq2seq_batch([row], padding=0, begin=7)
    lines = zip(batch.inputs["input_ids"].tolist(), batch.inputs["decoder_input_ids"].tolist(), strict=True)
    both = {(tuple(given), tuple(begun)) for given, begun in lines}
    assert both == {((97, 98, 9), (7, 99, 0)), ((100, 9, 0), (7, 101, 102))}
    assert sorted(map(decoded, batch.labels.tolist())) == [[99, 9], [101, 102, 9]]
    assert sorted(batch.inputs["attention_mask"].sum(1).tolist()) == [2, 3]
