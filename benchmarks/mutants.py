"""Do mutants make a prover better? Held-out theorems, roll-outs of models on them, and what the arms of the experiment have in common.

    python benchmarks/mutants.py split lemma.db held                    # held/names.txt and held/problems.json
    lemma mutate run Init --holdout held/names.txt ...                  # nothing that is made touches these theorems
    python benchmarks/mutants.py attempt lemma.db held --arm both=models/both/model --out results.jsonl
    python benchmarks/mutants.py attempt lemma.db held --search rules --search rules+small --out results.jsonl
    python benchmarks/mutants.py report results.jsonl

Theorems are held out in two ways. *By module*: all theorems of some modules, drawn with the seed. *By premise*: all theorems whose statements
mention one of some constants, drawn with the seed from those that 2 to 50 theorems mention; so each of them is about something that no theorem to
learn from is about, which is what the split `novel_premises` of LeanDojo asks for. Theorems that state the same as one of these are held out too.

A *roll-out* is a proof attempt without a search: at each goal the model writes one tactic, and the attempt ends with the first that fails.
The roll-outs of a theorem are independent draws, so that pass@k is that of Chen et al. 2021; those that come to the same goal are asked for together.
A roll-out counts if the judge accepts its proof and the proof does without the theorem and its twins.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))  # or mutation.py beside this file would be found for the package

from mutants_report import report, results_in

from db.records import Theorem
from db.store import Store
from lean_bridge import protocol
from lean_bridge.errors import BridgeError, InputError, RequestFailed, ServerDied
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import find_toolchain
from prover.bench.problems import BenchmarkProblem
from prover.core import Attempt, Budget, Generator, Outcome, Position, Proposal, Rejected, Statistics
from prover.engine import Plan, prove
from prover.environment import LeanEnvironment
from prover.generators.language import LanguageModel, Sampling
from prover.generators.named import opened
from prover.generators.prompts import FORMATS, Question
from prover.judge import Proof, judge
from prover.search.algorithms import ALGORITHMS
from prover.search.graph import NodeId, ProofGraph
from prover.small.model import SmallModel
from prover.workplace import Workplace
from workbench.benching import Wish, problems_of_library
from workbench.parents import library_of

Way = Callable[[BenchmarkProblem], Awaitable[dict[str, Any]]]
"""How a problem is attempted."""

LIBRARY = "Init"
ROLL_OUTS = 32
LENGTH = 8
"""Tactics of a roll-out, at most."""
TOKENS = 96
"""Of a tactic, at most."""
FORM = FORMATS["plain"]


def split(store: Store, out: Path, *, modules: float, premises: int, sample: int, seed: int) -> None:
    """Writes which theorems are held out, and which of these are to be proved.

    Args:
        store: has the library.
        out: the folder to write.
        modules: share of the library's theorems whose modules are held out.
        premises: how many theorems are held out by premise.
        sample: problems of either kind, in the order in which they are drawn.
        seed: of all draws.
    """
    theorems = list(store.theorems(library_of(store, LIBRARY).digest))
    chance = Random(seed)
    by_module = _of_some_modules(theorems, modules, chance)
    by_premise = _about_some_constants([t for t in theorems if t.name not in by_module], premises, chance)
    stated = {theorem.canonical for theorem in theorems if theorem.name in by_module | by_premise}
    held = sorted(theorem.name for theorem in theorems if theorem.canonical in stated)
    problems = {
        kind: chance.sample(sorted(names), min(sample, len(names)))
        for kind, names in (("module", by_module), ("premise", by_premise))
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "names.txt").write_text("".join(f"{name}\n" for name in held), encoding="utf-8")
    (out / "problems.json").write_text(json.dumps(problems, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(
        f"{len(held):,} of {len(theorems):,} theorems are held out: {len(by_module):,} by module, {len(by_premise):,} by premise"
    )


def _of_some_modules(theorems: Sequence[Theorem], share: float, chance: Random) -> set[str]:
    members: dict[str, list[str]] = {}
    for theorem in theorems:
        members.setdefault(theorem.module, []).append(theorem.name)
    order = sorted(members)
    chance.shuffle(order)
    held: set[str] = set()
    for module in order:
        if len(held) >= share * len(theorems):
            break
        held.update(members[module])
    return held


def _about_some_constants(theorems: Sequence[Theorem], wanted: int, chance: Random) -> set[str]:
    users: dict[str, list[str]] = {}
    for theorem in theorems:
        for constant in set(theorem.constants):
            users.setdefault(constant, []).append(theorem.name)
    order = sorted(constant for constant, names in users.items() if 2 <= len(names) <= 50)
    chance.shuffle(order)
    held: set[str] = set()
    for constant in order:
        if len(held) >= wanted:
            break
        held.update(users[constant])
    return held


async def write_names(place: Path, held: Path, out: Path, sample: int, seed: int) -> None:
    """Writes pairs that teach which theorem says what, without any mutant: the library's own theorems, each proved by itself.

    Args:
        place: the store.
        held: the folder that `split` wrote.
        out: the file of pairs.
        sample: so many theorems, drawn with the seed.
        seed: of the draw.
    """
    apart = set((held / "names.txt").read_text(encoding="utf-8").split())
    with Store.open(place, create=False) as store:
        library = library_of(store, LIBRARY)
        theorems = [theorem for theorem in store.theorems(library.digest) if theorem.name not in apart]
    chosen = Random(seed).sample(theorems, min(sample, len(theorems)))
    written = 0
    async with LeanPool(find_toolchain(), size=2, spares=0) as pool:
        with out.open("w", encoding="utf-8") as sink:
            for first in range(0, len(chosen), 200):
                halves = (chosen[first : first + 100], chosen[first + 100 : first + 200])
                for pair in (
                    pair for pairs in await asyncio.gather(*(named(pool, half) for half in halves)) for pair in pairs
                ):
                    sink.write(json.dumps(pair, ensure_ascii=False) + "\n")
                    written += 1
    print(f"{written:,} of {len(chosen):,} theorems are proved by themselves in a tactic")


async def named(pool: LeanPool, theorems: Sequence[Theorem]) -> list[dict[str, str]]:
    """The pairs of theorems that are printed so that Lean reads them, and that one of a few tactics proves by themselves."""
    pairs = []
    async with pool.lease() as server:
        env = (await server.open_environment(("Init",))).id
        for theorem in theorems:
            name = theorem.name
            tactics = (f"exact {name}", f"exact {name} ..", f"apply {name} <;> assumption")
            try:
                start = await server.start_goal(
                    env, declaration=f"theorem {name}.itself{theorem.statement} := by sorry"
                )
                (state,) = await server.view_states([start.state.id], detail="full")
                tried = protocol.Attempt(start.state.id, tactics)
                (outcomes,) = await server.run_tactics([tried], heartbeats=10_000, seconds=2.0, detail="none")
            except RequestFailed:
                continue
            shown = "\n\n".join(goal.text or "" for goal in state.goals)
            closed = (isinstance(outcome, protocol.Advanced) and not outcome.state.goals for outcome in outcomes)
            best = next((tactic for tactic, closes in zip(tactics, closed, strict=True) if closes), None)
            if best is not None:
                pairs.append({"prompt": shown, "completion": best, "theorem": name, "state_after": "no goals"})
            made = [outcome.state.id for outcome in outcomes if isinstance(outcome, protocol.Advanced)]
            await server.release_states([start.state.id, *made])
    return pairs


@dataclass(slots=True)
class RollOut:
    """An attempt at a proof, tactic by tactic."""

    graph: ProofGraph[int]
    goals: list[NodeId]
    """Still to be proved, the next one last."""
    end: str = ""
    """How it ended, if not with a proof."""

    @property
    def place(self) -> Position[int] | None:
        """Where its next tactic is to be run; None: it has ended."""
        while self.goals and self.graph.node(self.goals[-1]).status != "open":
            self.goals.pop()
        return self.graph.node(self.goals[-1]).position if self.goals and not self.end else None

    def advance(self, tactic: str, outcome: Outcome[int]) -> None:
        """Takes what came of its next tactic."""
        if isinstance(outcome, Rejected):
            self.end = outcome.kind
            return
        growth = self.graph.advance(self.goals[-1], Proposal(tactic, 0.0, "model"), outcome)
        if growth.edge is None:
            self.end = "no progress"
        else:
            self.goals[-1:] = reversed(self.graph.edge(growth.edge).children)


@dataclass(slots=True)
class Group:
    """Roll-outs at the same place, and the tactic that the model wrote for each; None where there is no tactic in what it wrote."""

    place: Position[int]
    members: list[RollOut]
    tactics: list[str | None] = field(default_factory=list)

    async def ask(self, model: LanguageModel, seed: int) -> int:
        """Has the model write. Returns the tokens that it read and wrote."""
        question = Question("\n\n".join(goal.text for goal in self.place.goals))
        sampling = Sampling(samples=len(self.members), max_tokens=TOKENS)
        (answer,) = await model.generate([FORM.ask(question)], sampling, seed)
        self.tactics = [
            None if generation.finish == "length" else FORM.read(generation.text, question)
            for generation in answer.generations
        ]
        return answer.prompt_tokens + sum(generation.tokens for generation in answer.generations)

    @property
    def attempt(self) -> Attempt[int]:
        """The different tactics."""
        return Attempt(self.place, tuple(dict.fromkeys(tactic for tactic in self.tactics if tactic is not None)))

    def advance(self, outcomes: Sequence[Outcome[int]]) -> None:
        """Takes what came of the tactics of `attempt`."""
        known = dict(zip(self.attempt.tactics, outcomes, strict=True))
        for member, tactic in zip(self.members, self.tactics, strict=True):
            if tactic is None:
                member.end = "malformed"
            else:
                member.advance(tactic, known[tactic])


@dataclass(frozen=True, slots=True)
class Rolled:
    """What came of the roll-outs of a problem: the scripts that Lean took step by step, the ends of all, and what they took."""

    scripts: tuple[str, ...]
    ends: Mapping[str, int]
    tokens: int
    model_seconds: float


async def rolled(environment: LeanEnvironment, model: LanguageModel, number: int, seed: int) -> Rolled:
    """So many independent roll-outs of a problem."""
    root = await environment.start()
    graphs = [ProofGraph(root) for _ in range(number)]
    roll_outs = [RollOut(graph, [graph.root]) for graph in graphs]
    tokens, seconds = 0, 0.0
    for depth in range(LENGTH):
        groups: dict[tuple[int, int | None], Group] = {}
        for one in roll_outs:
            if (place := one.place) is not None:
                groups.setdefault((place.state, place.goal), Group(place, [])).members.append(one)
        if not groups:
            break
        began = time.perf_counter()
        # Different places may look alike to the model: each draws with a seed of its own.
        seeds = (f"{seed} {depth} {number}" for number in range(len(groups)))
        tokens += sum(
            await asyncio.gather(
                *(group.ask(model, Random(s).getrandbits(62)) for group, s in zip(groups.values(), seeds, strict=True))
            )
        )
        seconds += time.perf_counter() - began
        outcomes = await environment.run([group.attempt for group in groups.values()])
        for group, row in zip(groups.values(), outcomes, strict=True):
            group.advance(row)
    ends = Counter("proved" if one.graph.proved else one.end or "length" for one in roll_outs)
    return Rolled(tuple(graph.script() for graph in graphs if graph.proved), ends, tokens, seconds)


async def accepted(workplace: Workplace, scripts: Sequence[str]) -> int:
    """How many of the scripts the judge takes for proofs that do without what the problem goes without."""
    verdicts: dict[str, bool] = {}
    for script in dict.fromkeys(scripts):
        proof = Proof("by\n" + textwrap.indent(script, "  "))
        try:
            verdict = await judge(workplace.server, workplace.env, workplace.statement, proof)
        except ServerDied:
            await workplace.renew()
            verdicts[script] = False
        else:
            verdicts[script] = verdict.accepted and not workplace.without.intersection(verdict.constants)
    return sum(verdicts[script] for script in scripts)


class Experiment:
    """Attempts at problems, each a line of the results; what they hold is not attempted again.

    Args:
        pool: of Lean processes.
        results: the file, JSON Lines.
        seconds: for a search.
        seed: of what is drawn.
    """

    def __init__(self, pool: LeanPool, results: Path, seconds: float, seed: int) -> None:
        self._pool = pool
        self._results = results
        self._seconds = seconds
        self._seed = seed

    async def roll_out(self, model: LanguageModel, problem: BenchmarkProblem) -> dict[str, Any]:
        """Roll-outs of a model at a problem."""
        async with Workplace(self._pool, problem.task()) as workplace:
            found = await rolled(LeanEnvironment(workplace), model, ROLL_OUTS, self._seed)
            proved = await accepted(workplace, found.scripts)
        return {
            "attempts": ROLL_OUTS,
            "proved": proved,
            "refused": len(found.scripts) - proved,
            "ends": dict(found.ends),
            "tokens": found.tokens,
            "model_seconds": round(found.model_seconds, 3),
            "proof": min(found.scripts, key=len) if proved else None,
        }

    async def search(self, generator: Generator, problem: BenchmarkProblem) -> dict[str, Any]:
        """A best-first search with a generator."""
        plan = Plan(ALGORITHMS["best-first"], Budget(seconds=self._seconds), seed=self._seed)
        attempt = await prove(self._pool, problem.task(), plan=plan, generator=generator)
        spent = attempt.search.statistics if attempt.search else Statistics()
        return {
            "attempts": 1,
            "proved": int(attempt.outcome == "proved"),
            "outcome": attempt.outcome,
            "tokens": spent.tokens,
            "model_seconds": round(spent.generator_seconds, 3),
            "proof": attempt.proof if attempt.outcome == "proved" else None,
        }

    async def attempt(self, arm: str, problems: Mapping[str, Sequence[BenchmarkProblem]], way: Way, gate: int) -> None:
        """Attempts all problems in one way, `gate` at a time."""
        done = {(line["arm"], line["problem"]) for line in results_in(self._results)}
        free = asyncio.Semaphore(gate)

        async def one(kind: str, problem: BenchmarkProblem) -> None:
            async with free:
                began = time.perf_counter()
                try:
                    found = await way(problem)
                except (BridgeError, InputError) as error:
                    found = {"attempts": 0, "proved": 0, "error": f"{type(error).__name__}: {error}"[:300]}
                seconds = round(time.perf_counter() - began, 3)
                line = {"arm": arm, "kind": kind, "problem": problem.name, **found, "seconds": seconds}
                with self._results.open("a", encoding="utf-8") as sink:
                    sink.write(json.dumps(line, ensure_ascii=False) + "\n")

        left = [(kind, p) for kind, some in problems.items() for p in some if (arm, p.name) not in done]
        began = time.perf_counter()
        await asyncio.gather(*(one(kind, problem) for kind, problem in left))
        print(f"{arm}: {len(left)} problems in {time.perf_counter() - began:.0f} s", flush=True)


async def attempt_all(arguments: argparse.Namespace) -> None:
    """Roll-outs of every model, and searches with every generator, at the problems that are held out."""
    wanted: dict[str, list[str]] = json.loads((arguments.held / "problems.json").read_text(encoding="utf-8"))
    chosen = {kind: names[: arguments.limit] for kind, names in wanted.items()}
    async with LeanPool(find_toolchain(), size=arguments.workers) as pool:
        problems = await problems_named(arguments.store, pool, chosen)
        experiment = Experiment(pool, arguments.out, arguments.seconds, arguments.seed)
        for text in arguments.arm:
            name, _, folder = text.partition("=")
            model = SmallModel.load(Path(folder))
            await experiment.attempt(name, problems, partial(experiment.roll_out, model), arguments.workers)
            model.close()
        for name in arguments.search:
            async with opened(name, lambda key: None) as ready:
                way = partial(experiment.search, ready.generator)
                await experiment.attempt(f"search {ready.name}", problems, way, arguments.workers)


async def problems_named(
    place: Path, pool: LeanPool, names: Mapping[str, Sequence[str]]
) -> dict[str, list[BenchmarkProblem]]:
    """The theorems of these names as problems, each without itself and its twins."""
    every = tuple(name for some in names.values() for name in some)
    with Store.open(place, create=False) as store:
        async with pool.lease() as server:
            found = await problems_of_library(store, server, Wish(LIBRARY, (1,), Plan(), "rules", only=every))
    by_name = {problem.name: problem for problem in found.problems}
    return {kind: [by_name[name] for name in some] for kind, some in names.items()}


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    splitting = commands.add_parser("split", help="choose the theorems that are held out")
    splitting.add_argument("store", type=Path)
    splitting.add_argument("out", type=Path)
    splitting.add_argument("--modules", type=float, default=0.05, help="share of the theorems held out by module")
    splitting.add_argument("--premises", type=int, default=1000, help="theorems held out by premise")
    splitting.add_argument("--sample", type=int, default=100, help="problems of either kind")
    splitting.add_argument("--seed", type=int, default=1)
    naming = commands.add_parser("names", help="make pairs of the library's own theorems")
    naming.add_argument("store", type=Path)
    naming.add_argument("held", type=Path, help="the folder that `split` wrote")
    naming.add_argument("--out", type=Path, required=True, help="the pairs, JSON Lines")
    naming.add_argument("--sample", type=int, default=8000)
    naming.add_argument("--seed", type=int, default=1)
    attempting = commands.add_parser("attempt", help="attempt the problems")
    attempting.add_argument("store", type=Path)
    attempting.add_argument("held", type=Path, help="the folder that `split` wrote")
    attempting.add_argument("--arm", action="append", default=[], metavar="NAME=DIR", help="roll-outs of a model")
    attempting.add_argument("--search", action="append", default=[], metavar="GENERATOR", help="a best-first search")
    attempting.add_argument("--out", type=Path, required=True, help="the results, JSON Lines")
    attempting.add_argument("--limit", type=int, help="problems of either kind, the first so many")
    attempting.add_argument("--seconds", type=float, default=10.0, help="of a search")
    attempting.add_argument("--workers", type=int, default=2)
    attempting.add_argument("--seed", type=int, default=1)
    reporting = commands.add_parser("report", help="print tables of the results")
    reporting.add_argument("results", type=Path)
    reporting.add_argument("--pair", action="append", default=[], metavar="FIRST,SECOND", help="arms to be compared")
    arguments = parser.parse_args()
    if arguments.command == "split":
        with Store.open(arguments.store, create=False) as store:
            split(
                store,
                arguments.out,
                modules=arguments.modules,
                premises=arguments.premises,
                sample=arguments.sample,
                seed=arguments.seed,
            )
    elif arguments.command == "names":
        asyncio.run(write_names(arguments.store, arguments.held, arguments.out, arguments.sample, arguments.seed))
    elif arguments.command == "attempt":
        asyncio.run(attempt_all(arguments))
    else:
        pairs = [tuple(pair.split(",", 1)) for pair in arguments.pair]
        print(report(arguments.results, [(first, second) for first, second in pairs]), end="")


if __name__ == "__main__":
    main()
