"""How fast the judge is: verdicts a second, and what judging costs beyond Lean's plain elaboration of the same text.

python benchmarks/judge.py                    everything, some minutes
python benchmarks/judge.py --only verdicts    one part: verdicts, replay, baseline (which needs verdicts)
python benchmarks/judge.py --json out.json

Every statement is judged as a body and as a file and elaborated without a judge, in one process, one right after the other
and in changing order, so that warming up and other work on the machine hit all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import psutil
from lean_server import Figure, machine
from stock_launcher import StockLauncher

from lean_bridge.client import LeanServer
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import cache_folder
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.provision import install
from prover.judge import Judge, Proof, Statement, Submission, Verdict, WholeFile, judge


@dataclass(frozen=True, slots=True)
class Theorem:
    """A small theorem with its proof."""

    kind: str
    signature: str
    body: str
    header: str = ""

    @property
    def statement(self) -> Statement:
        """What the judge is asked about."""
        return Statement(f"theorem target {self.signature} := sorry", self.header)

    @property
    def file(self) -> str:
        """The theorem and its proof as a file."""
        link = "\n" if self.body.startswith("|") else " := "
        return f"{self.header}theorem target {self.signature}{link}{self.body}\n"


def theorems(kind: str, header: str = "", /, **rows: tuple[str, str]) -> list[Theorem]:
    """Theorems of one kind; the names of the rows say what they are about."""
    return [Theorem(kind, signature, body, header) for signature, body in rows.values()]


DOUBLE = "def double (n : Nat) : Nat := n + n\n\n"
SUM = "def upTo : Nat → Nat\n  | 0 => 0\n  | n + 1 => upTo n + (n + 1)\n\n"
TREE = """inductive Tree where
  | leaf
  | node (left right : Tree)

def Tree.mirror : Tree → Tree
  | leaf => leaf
  | node l r => node r.mirror l.mirror

def Tree.size : Tree → Nat
  | leaf => 1
  | node l r => l.size + r.size

"""

THEOREMS = [
    *theorems(
        "rfl",
        sum=(": 12 * 12 + 1 = 145", "rfl"),
        zero=("(n : Nat) : n + 0 = n", "rfl"),
        cons=("(x : Nat) (xs : List Nat) : (x :: xs).length = xs.length + 1", "rfl"),
        compose=("(f g : Nat → Nat) : (fun x => (g ∘ f) x) = g ∘ f", "by rfl"),
        swap=("(p : Nat × Nat) : p.swap.swap = p", "rfl"),
    ),
    *theorems(
        "simp",
        append=("(xs : List Nat) : xs ++ [] = xs", "by simp"),
        lengths=("(xs ys : List Nat) : (xs ++ ys).length = ys.length + xs.length", "by simp [Nat.add_comm]"),
        reverse=("(xs : List Nat) : xs.reverse.reverse = xs", "by simp"),
        map=("(f g : Nat → Nat) (xs : List Nat) : (xs.map f).map g = xs.map (g ∘ f)", "by simp"),
        member=("(a : Nat) (xs : List Nat) : a ∈ a :: xs", "by simp"),
        option=("(a b : Nat) : some a = some b ↔ a = b", "by simp"),
    ),
    *theorems(
        "omega",
        comm=("(a b : Nat) : a + b = b + a", "by omega"),
        strict=("(x y : Int) (h : x < y) : x + 1 ≤ y", "by omega"),
        parity=("(n : Nat) : n % 2 = 0 ∨ n % 2 = 1", "by omega"),
        halves=("(n : Nat) : n / 2 + (n + 1) / 2 = n", "by omega"),
        between=("(a b c : Nat) (h : a < b) (k : b < c) : a + 2 ≤ c", "by omega"),
        system=("(x y : Int) (h : x + y = 10) (k : x - y = 4) : x = 7 ∧ y = 3", "by omega"),
    ),
    *theorems(
        "induction",
        zero_add=("(n : Nat) : 0 + n = n", "by\n  induction n with\n  | zero => rfl\n  | succ n ih => rw [← Nat.add_assoc, ih]"),
        power=("(n : Nat) : 0 < 2 ^ n", "by\n  induction n with\n  | zero => decide\n  | succ n ih => rw [Nat.pow_succ]; omega"),
        lengths=(
            "(xs : List Nat) : (xs.map (· + 1)).length = xs.length",
            "by\n  induction xs with\n  | nil => rfl\n  | cons x xs ih => simp",
        ),
        equations=(": ∀ n : Nat, n * 0 = 0", "| _ => rfl"),
    ),
    *theorems(
        "induction",
        SUM,
        gauss=(
            "(n : Nat) : 2 * upTo n = n * (n + 1)",
            "by\n  induction n with\n  | zero => rfl\n  | succ n ih => rw [upTo, Nat.mul_add, ih]; simp [Nat.mul_add, Nat.add_mul]; omega",
        ),
        bound=("(n : Nat) : n ≤ upTo n", "by\n  induction n with\n  | zero => simp\n  | succ n ih => simp only [upTo]; omega"),
    ),
    *theorems(
        "induction",
        TREE,
        mirror=(
            ": (t : Tree) → t.mirror.mirror = t",
            "| .leaf => rfl\n  | .node l r => by simp [Tree.mirror, target l, target r]",
        ),
        size=(
            "(t : Tree) : t.mirror.size = t.size",
            "by\n  induction t with\n  | leaf => rfl\n  | node l r hl hr => simp only [Tree.mirror, Tree.size, hl, hr]; omega",
        ),
    ),
    *theorems(
        "cases",
        swap=("(p q : Prop) (h : p ∧ q) : q ∧ p", "by\n  cases h with\n  | intro a b => exact ⟨b, a⟩"),
        either=("(p q : Prop) (h : p ∨ q) : q ∨ p", "by\n  rcases h with h | h\n  · exact Or.inr h\n  · exact Or.inl h"),
        bool=("(a b : Bool) : (a && b) = (b && a)", "by cases a <;> cases b <;> rfl"),
        nat=("(n : Nat) (h : n ≠ 0) : ∃ m, n = m + 1", "by\n  cases n with\n  | zero => exact absurd rfl h\n  | succ m => exact ⟨m, rfl⟩"),
        witness=("(P : Nat → Prop) (h : ∃ n, P n ∧ P (n + 1)) : ∃ n, P n", "by\n  obtain ⟨n, hn, _⟩ := h\n  exact ⟨n, hn⟩"),
    ),
    *theorems(
        "calc",
        chain=("(a b c : Nat) (h : a = b) (k : b = c) : a = c", "calc a\n    _ = b := h\n    _ = c := k"),
        order=("(a b c : Nat) (h : a ≤ b) (k : b < c) : a < c", "by\n  calc a ≤ b := h\n    _ < c := k"),
        squares=(
            "(a b : Nat) : (a + b) * (a + b) = a * a + 2 * (a * b) + b * b",
            "by\n  calc (a + b) * (a + b)\n      _ = a * a + a * b + (b * a + b * b) := by rw [Nat.add_mul, Nat.mul_add, Nat.mul_add]\n      _ = a * a + 2 * (a * b) + b * b := by rw [Nat.mul_comm b a]; omega",
        ),
        iff=("(p q r : Prop) (h : p ↔ q) (k : q ↔ r) : p ↔ r", "calc p ↔ q := h\n    _ ↔ r := k"),
        rewrite=("(a b c : Nat) : a * (b + c) = c * a + b * a", "by\n  calc a * (b + c)\n      _ = a * b + a * c := Nat.mul_add a b c\n      _ = c * a + b * a := by rw [Nat.mul_comm a b, Nat.mul_comm a c, Nat.add_comm]"),
    ),
    *theorems(
        "grind",
        contrapose=("(p q : Prop) (h : p → q) : ¬q → ¬p", "by grind"),
        congruence=("(f : Nat → Nat) (a b : Nat) (h : f a = b) (k : f b = a) : f (f a) = a", "by grind"),
        cases=("(a b : Nat) (h : a = 1 ∨ a = 2) (k : b = a) : b = 1 ∨ b = 2", "by grind"),
        lists=("(xs ys : List Nat) (h : xs = ys ++ [1]) : 1 ∈ xs", "by grind"),
        order=("(a b c : Int) (h : a ≤ b) (k : b ≤ c) (l : c ≤ a) : a = b", "by grind"),
    ),
    *theorems(
        "decide",
        divides=(": (10 : Nat) ∣ 100", "by decide"),
        bounded=(": ∀ n, n < 8 → n * n < 64", "by decide"),
        bools=(": ∀ a b c : Bool, (a && (b || c)) = ((a && b) || (a && c))", "by decide"),
        finite=(": ∃ n : Fin 7, n * n = 2", "by decide"),
        member=(": 3 ∈ [1, 2, 3]", "by decide"),
    ),
    *theorems(
        "terms",
        DOUBLE,
        unfold=("(n : Nat) : double n = 2 * n", "by\n  unfold double\n  exact (Nat.two_mul n).symm"),
        even=("(n : Nat) : double n % 2 = 0", "by simp only [double]; omega"),
        monotone=("(m n : Nat) (h : m ≤ n) : double m ≤ double n", "Nat.add_le_add h h"),
        injective=("(m n : Nat) (h : double m = double n) : m = n", "by simp only [double] at h; omega"),
    ),
]  # fmt: skip

Way = Callable[[Theorem], Awaitable[object]]


async def timed(
    ways: Mapping[str, Way], rounds: int, warm: int, processor: Callable[[], float] = time.process_time
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds that each way takes with each theorem: medians over the rounds, in which the ways take turns.

    And the seconds of `processor` that each takes for a round, which say more than the clock where others are at work too.
    """
    seen: dict[tuple[str, int], list[float]] = {}
    used = dict.fromkeys(ways, 0.0)
    names = list(ways)
    for turn in range(warm + rounds):
        for place, theorem in enumerate(THEOREMS):
            first = (turn + place) % len(names)
            for name in names[first:] + names[:first]:
                began, before = time.perf_counter(), processor()
                await ways[name](theorem)
                if turn >= warm:
                    seen.setdefault((name, place), []).append(time.perf_counter() - began)
                    used[name] += (processor() - before) / rounds
    medians = {name: [statistics.median(seen[name, place]) for place in range(len(THEOREMS))] for name in ways}
    return medians, used


def accepted(theorem: Theorem, verdict: Verdict, opinions: int = 0) -> None:
    """Ends the benchmark if the judge did not do what is measured."""
    if not verdict.accepted or len(verdict.opinions) != opinions:
        raise SystemExit(f"not accepted: {theorem.file}\n{verdict}")


def costs(part: str, what: str, more: Sequence[float], less: Sequence[float], target: str) -> list[Figure]:
    """What `more` costs beyond `less`: median of the ratios, and ratio of the totals."""
    median = statistics.median(a / b for a, b in zip(more, less, strict=True))
    return [
        Figure(part, f"{what}, median of ratios", 100 * (median - 1), "%", target),
        Figure(part, f"{what}, ratio of totals", 100 * (sum(more) / sum(less) - 1), "%", target),
    ]


async def verdicts(toolchain: EmbeddedToolchain, rounds: int) -> list[Figure]:
    """Bodies and files judged, and files elaborated without a judge, in one process."""
    async with await LeanServer.start(toolchain) as server:
        envs = {header: (await server.open_header(header)).id for header in {t.header for t in THEOREMS}}

        async def judged(theorem: Theorem, submission: Submission) -> None:
            accepted(theorem, await judge(server, envs[theorem.header], theorem.statement, submission))

        async def plain(theorem: Theorem) -> None:
            report = await server.check_file(theorem.file)
            if not report.ok or "sorryAx" in report.theorems[-1].axioms:
                raise SystemExit(f"not elaborated: {theorem.file}\n{report}")

        ways: dict[str, Way] = {
            "body": lambda theorem: judged(theorem, Proof(theorem.body)),
            "file": lambda theorem: judged(theorem, WholeFile(theorem.file)),
            "plain": plain,
        }
        process = psutil.Process(server.pid)
        found, used = await timed(ways, rounds, warm=3, processor=lambda: sum(process.cpu_times()[:2]))
    kinds = sorted({theorem.kind for theorem in THEOREMS})
    # The judge of a body has its header elaborated already; the comparison is between theorems that have none.
    bare = {way: [s for s, t in zip(times, THEOREMS, strict=True) if not t.header] for way, times in found.items()}
    figures = [
        Figure("verdicts", f"statements, of {len(kinds)} kinds", len(THEOREMS), ""),
        Figure("verdicts", "bodies judged a second, one process", len(THEOREMS) / sum(found["body"]), "1/s", ">= 20"),
        Figure("verdicts", "files judged a second, one process", len(THEOREMS) / sum(found["file"]), "1/s", ">= 20"),
        Figure("verdicts", "  bodies a second of Lean's processor time", len(THEOREMS) / used["body"], "1/s"),
        Figure("verdicts", "  files a second of Lean's processor time", len(THEOREMS) / used["file"], "1/s"),
        Figure("verdicts", "files elaborated a second, no judge", len(THEOREMS) / sum(found["plain"]), "1/s"),
        *costs("verdicts", "a body's verdict over plain elaboration", bare["body"], bare["plain"], "< 50"),
        *costs("verdicts", "a file's verdict over plain elaboration", found["file"], found["plain"], "< 50"),
    ]
    for kind in kinds:
        rows = [place for place, theorem in enumerate(THEOREMS) if theorem.kind == kind]
        total = sum(found["file"][k] for k in rows) / sum(found["plain"][k] for k in rows)
        figures.append(Figure("verdicts", f"  {kind}: file over plain, ratio of totals", 100 * (total - 1), "%"))
    return figures


async def replay(toolchain: EmbeddedToolchain, rounds: int) -> list[Figure]:
    """Bodies judged through a pool of one process, with and without a second opinion from another process."""
    async with LeanPool(toolchain, size=1, spares=0) as pool, LeanPool(toolchain, size=1, spares=0) as second:
        once, twice = Judge(pool), Judge(pool, second=second)

        async def judged(theorem: Theorem) -> None:
            accepted(theorem, await once.check(theorem.statement, Proof(theorem.body)))

        async def replayed(theorem: Theorem) -> None:
            accepted(theorem, await twice.check(theorem.statement, Proof(theorem.body)), opinions=1)

        found, _ = await timed({"once": judged, "twice": replayed}, rounds, warm=3)
    more = statistics.median(b - a for a, b in zip(found["once"], found["twice"], strict=True))
    return [
        Figure("replay", "bodies judged a second, pool of one", len(THEOREMS) / sum(found["once"]), "1/s", ">= 20"),
        Figure("replay", "with --replay", len(THEOREMS) / sum(found["twice"]), "1/s"),
        Figure("replay", "what --replay adds to a verdict, median", 1000 * more, "ms"),
        *costs("replay", "what --replay adds", found["twice"], found["once"], ""),
    ]


def baseline(toolchain: EmbeddedToolchain, rate: float) -> list[Figure]:
    """One stock `lean` process a proof, against the rate of verdicts on bodies."""
    with tempfile.TemporaryDirectory() as folder:
        stock = StockLauncher.fetch(toolchain, Path(folder))
        proofs = [next(t for t in THEOREMS if t.kind == kind) for kind in ("rfl", "simp", "omega")]
        alone = statistics.median(stock.seconds(theorem.file, sign="hasErrors = false") for theorem in proofs)
    return [
        Figure("baseline", "one stock `lean` process a proof, median of 3", alone, "s"),
        Figure("baseline", "verdicts in that time", alone * rate, "x"),
    ]


async def measure(parts: Sequence[str], rounds: int) -> tuple[dict[str, str], list[Figure]]:
    """Runs the parts one after another."""
    toolchain = install(cache_folder(), lambda what, _: print(what, file=sys.stderr))
    about = machine(toolchain)
    figures: list[Figure] = []

    def show(found: Sequence[Figure]) -> None:
        figures.extend(found)
        for figure in found:
            print(f"{figure.part:9} {figure.what:60} {figure.value:9.2f} {figure.unit:4} {figure.target}", flush=True)

    if "verdicts" in parts:
        show(await verdicts(toolchain, rounds))
    if "replay" in parts:
        show(await replay(toolchain, rounds))
    if "baseline" in parts:
        show(baseline(toolchain, figures[1].value))
    about["load after"] = machine(toolchain)["load before"]
    return about, figures


def main() -> None:
    """Reads the command line, measures, prints."""
    parts = ["verdicts", "replay", "baseline"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if "baseline" in given.only and "verdicts" not in given.only:
        parser.error("the baseline is compared with the verdicts; name both")
    about, figures = asyncio.run(measure(given.only, given.rounds))
    print("\nmeasured on:", "; ".join(f"{name} {value}" for name, value in about.items()))
    if given.json:
        given.json.write_text(
            json.dumps({"machine": about, "figures": [asdict(f) for f in figures]}, indent=2, ensure_ascii=False)
        )


if __name__ == "__main__":
    main()
