"""`--generator` with a model behind a server, from the command line to the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from db.store import Store
from prover.core import SearchResult
from prover.engine import ProofAttempt, Task
from prover.generators.model import ASKINGS
from tests.fake_model import Answer, fake_model
from workbench.cli.prove_display import ProveDisplay
from workbench.problems import Problem
from workbench.testing import Lemma

REPLY = """First the plan: seven.
```lean4
theorem root : ∃ n : Nat, n * n = 49 := by
  refine ⟨?_, ?_⟩
  · exact 7
  · rfl
```
"""
ROOT = "theorem root : ∃ n : Nat, n * n = 49 := by\n  sorry\n"
EASY = "theorem easy (p : Prop) (h : p) : p ∨ p := by\n  sorry\n"
WRONG = "theorem wrong (n : Nat) : n * n ≠ 9 := by\n  sorry\n"


def test_what_a_server_answers_proves_and_where_it_does_not_answer_nothing_has_failed(
    lemma: Lemma, tmp_path: Path
) -> None:
    (tmp_path / "open.lean").write_text(ROOT + EASY + WRONG)

    def respond(body: Any) -> Answer:
        question = body["messages"][-1]["content"].rpartition("theorem")[2]
        return Answer(REPLY) if question.startswith(" root") else Answer("too long", 400)

    with fake_model(respond) as server:
        name = f"openai:{server.url}#m?format=kimina-prover&samples=2"
        run = lemma("prove", "open.lean", "--generator", f"single+{name}", "--json")
    assert run.code == 1, run.err
    report = run.json()
    assert report["generator"] == f"single+{name}&temperature=0.6&top_p=0.95&max_tokens=8096"
    root, easy, wrong = report["theorems"]
    assert (root["outcome"], root["axioms"], root["fault"]) == ("proved", [], None)
    assert root["proof"] == "by\n  refine ⟨?_, ?_⟩\n  · exact 7\n  · rfl"
    assert {step["rule"] for step in root["explanation"]} == {"model: m"}
    assert root["tokens"] > 0
    # Nobody had to ask the model for it.
    assert (easy["outcome"], easy["fault"]) == ("proved", None)
    assert wrong["outcome"] == "error"
    assert "status 400: too long" in wrong["reason"]


def test_a_proof_that_was_found_without_a_model_that_failed_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    task = Task("easy", statement="p")
    search = SearchResult("proved", "proved", "simp", fault="the server is gone")
    with ProveDisplay(1, results=True) as display:
        problem = Problem(task)
        display.started(problem)
        display.ended(problem, ProofAttempt(task, "proved", 1.0, proof="by simp", search=search))
    assert "found without a model that did not answer: the server is gone" in capsys.readouterr().out


def test_a_run_records_the_model_and_draws_anew_for_each_attempt(lemma: Lemma, tmp_path: Path) -> None:
    record = {"name": "root", "split": "test", "formal_statement": ROOT, "header": ""}
    (tmp_path / "one.jsonl").write_text(json.dumps(record) + "\n")
    seeds: list[Any] = []

    def respond(body: Any) -> Answer:
        seeds.append(body["seed"])
        return Answer("I do not know.", more=(REPLY if len(seeds) == 1 else "",))

    with fake_model(respond) as server:
        name = f"openai:{server.url}#m?format=kimina-prover&samples=2"
        done = lemma("bench", "run", "one.jsonl", "--generator", name, "--k", "1,2", "--json")
    assert done.code == 0, done.err
    made = done.json()["attempts"]
    assert (made["proved"], made["failed"]) == (1, 1)
    assert len(set(seeds)) == len(seeds) == 1 + ASKINGS
    with Store.open(str(tmp_path / "lemma.db"), create=False) as store:
        (run,) = store.runs("bench")
        attempts = list(store.attempts(run=run.id))
    assert run.config["generator"] == f"{name}&temperature=0.6&top_p=0.95&max_tokens=8096"
    assert sorted(str(attempt.verdict["malformed"]) for attempt in attempts) == sorted(["1", str(2 * ASKINGS)])


@pytest.mark.parametrize(
    ("command", "name", "complaint"),
    [
        (("prove", "1 = 1"), "gpt", "choose one of rules, single"),
        (("bench", "run", "nothing.jsonl"), "rules+hf:a?format=x", "there is no format x; choose one of plain"),
    ],
    ids=["prove", "bench"],
)
def test_a_generator_that_does_not_exist_is_refused(
    lemma: Lemma, command: tuple[str, ...], name: str, complaint: str
) -> None:
    run = lemma(*command, "--generator", name)
    assert (run.code, run.out) == (2, "")
    assert complaint in run.err
