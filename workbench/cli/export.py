"""`lemma export`: data sets out of the store, each with a card that says what it is and how to make it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from lean_bridge.errors import InputError
from workbench.cli.export_options import (
    ContentOption,
    DepthOption,
    Filters,
    ForceOption,
    KindOption,
    LibraryOption,
    LimitOption,
    OutOption,
    RunOption,
    SampleOption,
    SeedOption,
    WithOption,
    WithoutOption,
)
from workbench.cli.options import STORE, JsonOption, StoreOption, print_json
from workbench.cli.progress import progress_shown

if TYPE_CHECKING:
    from db.export.card import Card
    from db.export.order import Order

app = typer.Typer(help="Make data sets out of the store, each with a card of counts and hashes.", no_args_is_help=True)

Choice = TypeVar("Choice", bound=StrEnum)


@app.command()
def jsonl(
    store: StoreOption = STORE,
    out: OutOption = None,
    run: RunOption = None,
    kind: KindOption = None,
    depth: DepthOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    limit: LimitOption = None,
    sample: SampleOption = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export mutants as JSON Lines: statement, proof, parent, lineage, kind, depth, marks.

    [bold]Examples[/bold]

        lemma export jsonl

        lemma export jsonl --kind rw --without trivial:simp --out data/rewrites

        lemma export jsonl --run 3 --sample 10000 --seed 7 --json
    """
    from db.export.datasets import export_jsonl

    chosen = Filters(run, kind, depth, with_, without, limit, sample, seed)
    with ordered("jsonl", store, out, force, chosen) as order:
        card = export_jsonl(order)
    print_card(card, order.out, as_json)


@app.command()
def parquet(
    store: StoreOption = STORE,
    out: OutOption = None,
    run: RunOption = None,
    kind: KindOption = None,
    depth: DepthOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    limit: LimitOption = None,
    sample: SampleOption = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export mutants as a Parquet file with the columns of `lemma export jsonl`.

    Needs the package pyarrow.

    [bold]Examples[/bold]

        lemma export parquet

        lemma export parquet --depth 2 --depth 3 --out data/deep
    """
    from db.export.datasets import export_parquet

    chosen = Filters(run, kind, depth, with_, without, limit, sample, seed)
    with ordered("parquet", store, out, force, chosen) as order:
        card = export_parquet(order)
    print_card(card, order.out, as_json)


@app.command("lean")
def lean_project(
    store: StoreOption = STORE,
    out: OutOption = None,
    per_file: Annotated[int, typer.Option("--per-file", min=1, metavar="N", help="Mutants to a file.")] = 100,
    run: RunOption = None,
    kind: KindOption = None,
    depth: DepthOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    limit: LimitOption = None,
    sample: SampleOption = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export mutants as a project of Lean files, which can be checked, built and traced.

    [bold]Examples[/bold]

        lemma export lean --sample 500 --seed 1 --out mutants && lemma lean run mutants/Mutants/*.lean

        lemma export lean --limit 1000 --per-file 50 --out mutants && lemma trace mutants
    """
    from db.export.datasets import export_lean

    chosen = Filters(run, kind, depth, with_, without, limit, sample, seed)
    with ordered("lean", store, out, force, chosen, [("--per-file", per_file)]) as order:
        card = export_lean(order, per_file=per_file)
    print_card(card, order.out, as_json)


@app.command()
def cpt(
    store: StoreOption = STORE,
    out: OutOption = None,
    content: ContentOption = "all",
    plain: Annotated[bool, typer.Option("--plain", help="Plain text in place of JSON Lines.")] = False,
    shard: Annotated[int, typer.Option("--shard", min=1, metavar="N", help="Declarations to a file.")] = 100_000,
    library: LibraryOption = None,
    run: RunOption = None,
    kind: KindOption = None,
    depth: DepthOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    limit: LimitOption = None,
    sample: SampleOption = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export whole declarations as text for continual pre-training, of traced theorems and of mutants.

    Theorems that the runs of the mutants held out are left out.

    [bold]Examples[/bold]

        lemma export cpt

        lemma export cpt --content mutants --plain --sample 100000 --seed 7 --out data/cpt
    """
    from db.export.training import Content, export_cpt

    wanted = choice(Content, "--content", content)
    options = [("--content", content), ("--plain", plain), ("--shard", shard)]
    chosen = Filters(run, kind, depth, with_, without, limit, sample, seed, library)
    with ordered("cpt", store, out, force, chosen, options) as order:
        card = export_cpt(order, wanted, plain=plain, shard=shard)
    print_card(card, order.out, as_json)


@app.command()
def sft(
    store: StoreOption = STORE,
    out: OutOption = None,
    prompt_format: Annotated[
        str,
        typer.Option(
            "--format", metavar="plain|alpaca|sharegpt|reprover", help="How prompt and completion are laid out."
        ),
    ] = "plain",
    pairs: Annotated[
        str,
        typer.Option(
            "--pairs",
            metavar="tactics|proofs|all",
            help="From a state to a tactic, from a statement to its proof, or both, each in a file of its own.",
        ),
    ] = "all",
    content: ContentOption = "all",
    library: LibraryOption = None,
    run: RunOption = None,
    kind: KindOption = None,
    depth: DepthOption = None,
    with_: WithOption = None,
    without: WithoutOption = None,
    limit: LimitOption = None,
    sample: SampleOption = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export pairs for supervised fine-tuning: from a state to a tactic, and from a statement to its proof.

    Tactics are those of traced theorems; proofs are those of traced theorems and of mutants. To get tactics of mutants, export
    them as Lean files and trace these. Theorems that the runs of the mutants held out are left out.

    [bold]Examples[/bold]

        lemma export sft --pairs tactics --format reprover

        lemma export sft --pairs proofs --content mutants --format sharegpt --sample 30000 --seed 7 --out data/sft
    """
    from db.export.sft import PromptFormat
    from db.export.training import Content, Pairs, export_sft

    layout = choice(PromptFormat, "--format", prompt_format)
    wanted = choice(Content, "--content", content), choice(Pairs, "--pairs", pairs)
    options = [("--format", prompt_format), ("--pairs", pairs), ("--content", content)]
    chosen = Filters(run, kind, depth, with_, without, limit, sample, seed, library)
    with ordered("sft", store, out, force, chosen, options) as order:
        card = export_sft(order, *wanted, layout)
    print_card(card, order.out, as_json)


@app.command()
def leandojo(
    store: StoreOption = STORE,
    out: OutOption = None,
    library: LibraryOption = None,
    val: Annotated[str, typer.Option("--val", metavar="SIZE", help="Theorems for val: a number, or 10%.")] = "10%",
    test: Annotated[str, typer.Option("--test", metavar="SIZE", help="Theorems for test: a number, or 10%.")] = "10%",
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="The records' url.", show_default="the library's name"),
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option("--commit", metavar="HASH", help="The records' commit.", show_default="the library's digest"),
    ] = None,
    seed: SeedOption = 3407,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export a traced project in the layout of LeanDojo Benchmark 4, split at random and by novel premises.

    [bold]Examples[/bold]

        lemma export leandojo

        lemma export leandojo --library my_project --val 2000 --test 2000 --seed 3407 --out data/benchmark
    """
    from db.export.benchmark import export_leandojo
    from db.export.splits import Share, Sizes

    sizes = Sizes(Share.parse(val), Share.parse(test))
    options = [("--val", val), ("--test", test), ("--url", url), ("--commit", commit)]
    with ordered("leandojo", store, out, force, Filters(seed=seed, library=library), options) as order:
        card = export_leandojo(order, sizes, url=url, commit=commit)
    print_card(card, order.out, as_json)


def choice(kind: type[Choice], option: str, value: str) -> Choice:
    """The value of an option that takes one of a few words.

    Raises:
        InputError: it is none of them.
    """
    if value not in list(kind):
        raise InputError(f"{option} is {value!r}; give one of {', '.join(kind)}.")
    return kind(value)


@contextmanager
def ordered(
    name: str,
    store: str,
    out: Path | None,
    force: bool,
    filters: Filters,
    more: Iterable[tuple[str, object]] = (),
) -> Iterator[Order]:
    """What the options ask for, with the store open and progress shown.

    Raises:
        StoreError: there is no such store.
        InputError: an option is wrong.
    """
    from db.export.order import Order
    from db.export.selection import Selection
    from db.records import MutationKind
    from db.store import Store

    if filters.limit is not None and filters.sample is not None:
        raise InputError("--limit and --sample exclude each other; give one of them.")
    selection = Selection(
        runs=tuple(filters.run or ()),
        kinds=tuple(choice(MutationKind, "--kind", kind) for kind in filters.kind or ()),
        depths=tuple(filters.depth or ()),
        with_marks=tuple(filters.with_ or ()),
        without_marks=tuple(filters.without or ()),
        limit=filters.limit,
        sample=filters.sample,
        seed=filters.seed,
    )
    command = command_line(name, [*more, *filters.options()])
    folder = out or Path("exports") / name
    with Store.open(store, create=False) as opened, progress_shown() as progress:
        yield Order(
            opened, folder, command, selection, tuple(filters.library or ()), force, told(f"exporting {name}", progress)
        )


def told(what: str, progress: Callable[[str, float | None], None]) -> Callable[[int, int | None], None]:
    """Shows how many records are written."""

    def tell(done: int, total: int | None) -> None:
        progress(what, done / total if total else None)

    return tell


def command_line(name: str, options: Iterable[tuple[str, object]]) -> str:
    """The command line for these options; those that are not given, are false or say nothing are left out."""
    import shlex

    words = ["lemma", "export", name]
    for option, value in options:
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            for one in value if isinstance(value, list) else [value]:
                words += [option, str(one)]
    return f"{shlex.join(words)} --store STORE --out OUT"


def print_card(card: Card, out: Path, as_json: bool) -> None:
    """Prints what was written, and where."""
    if as_json:
        print_json({"out": str(out), **card.document()})
        return
    shown = card.files[:20]
    width = max((len(file.name) for file in shown), default=0)
    for file in shown:
        typer.echo(f"{file.name:<{width}}  {file.rows:>11,} records  {size(file.bytes):>9}  sha256 {file.sha256[:16]}…")
    if len(card.files) > len(shown):
        typer.echo(f"and {len(card.files) - len(shown)} more")
    for what, number in card.left_out.items():
        typer.echo(f"left out: {number:,} {what}")
    for what, leaks in (("mutants", card.mutants.leaks), ("conjectures", card.conjectures.leaks)):
        if leaks:
            typer.echo(f"warning: {leaks:,} {what} have to do with theorems that a run held out", err=True)
    typer.echo(f"{card.rows:,} records are in {out}; {out / 'CARD.md'} describes them")


def size(length: int) -> str:
    """A number of bytes, to be read."""
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if length >= one:
            return f"{length / one:.3g} {unit}"
    return f"{length} B"
