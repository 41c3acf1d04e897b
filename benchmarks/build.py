"""How fast modules of a library compile: `lemma lean build` against the stock launcher, one process each, the same modules in one run.

python benchmarks/build.py MATHLIB --target Mathlib.Data.Real.Basic
python benchmarks/build.py MATHLIB --target Mathlib.Data.Real.Basic --modules 30 --json out.json

The targets must be built. Of the modules that they import, some are drawn at even distances in the order of compilation; each is compiled by both from its
text, with all that it imports compiled already. Modules that an overlay stands in for, or that need one, are left out: the launcher cannot compile them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from stock_launcher import StockLauncher

from lean_bridge.build import build_project
from lean_bridge.toolchain import cache_folder
from lean_bridge.toolchain.embedded import EmbeddedToolchain
from lean_bridge.toolchain.modules import SourceModule, compile_order, module_graph
from lean_bridge.toolchain.provision import install
from lean_bridge.workspace import Scope, read_workspace


def chosen(checkout: Path, targets: tuple[str, ...], count: int) -> list[SourceModule]:
    """Modules at even distances in the order of compilation."""
    sources = read_workspace(checkout, Scope()).sources(targets)
    apart = {overlay.target for overlay in sources.overlays}
    plain: list[SourceModule] = []
    for name in compile_order(module_graph(sources.modules)):
        module = sources.modules[name]
        private = {imported.module for imported in module.header.imports if imported.all}
        if name not in apart and not private & apart and private <= sources.modules.keys():
            plain.append(module)
    return [plain[place * len(plain) // count] for place in range(count)]


def copied(checkout: Path, folder: Path) -> Path:
    """A copy of a built checkout, of links to its files: what is written in it leaves the original alone."""
    copy = folder / checkout.name

    def copy_folder(source: Path, target: Path) -> None:
        target.mkdir()
        for entry in source.iterdir():
            if entry.name == ".git":
                continue
            if entry.is_dir():
                copy_folder(entry, target / entry.name)
            else:
                os.link(entry, target / entry.name)

    copy_folder(checkout, copy)
    return copy


def ours(copy: Path, targets: tuple[str, ...], modules: list[SourceModule], toolchain: EmbeddedToolchain) -> float:
    """Seconds of a build that finds these modules not compiled."""
    output = read_workspace(copy, Scope()).root.output
    for module in modules:
        output.joinpath(*module.name.split(".")).with_suffix(".made").unlink()
    began = time.perf_counter()
    report = build_project(copy, toolchain, workers=1, scope=Scope(targets))
    seconds = time.perf_counter() - began
    if set(report.built) != {module.name for module in modules} or not report.ok:
        raise SystemExit(f"{len(report.built)} modules were built, and not the {len(modules)} that were taken away")
    return seconds


def measured(checkout: Path, targets: tuple[str, ...], count: int) -> dict[str, object]:
    """Compiles the modules with both."""
    toolchain = install(cache_folder(), lambda _what, _fraction: None)
    modules = chosen(checkout, targets, count)
    with tempfile.TemporaryDirectory(dir=checkout.parent) as linked, tempfile.TemporaryDirectory() as folder:
        copy = copied(checkout, Path(linked))
        began = time.perf_counter()
        build_project(copy, toolchain, workers=1, scope=Scope(targets))
        looking = time.perf_counter() - began
        build = ours(copy, targets, modules, toolchain)
        stock = StockLauncher.fetch(toolchain, Path(folder))
        times: list[float] = []
        for module in modules:
            times.append(stock.compiling(module.text.decode(), dict(module.options), copy / ".lake/build/lib/lean"))
            print(f"{module.name}: {times[-1]:.1f} s with the stock launcher", file=sys.stderr, flush=True)
    return {
        "modules": [module.name for module in modules],
        "build": build,
        "of it to see what is to be built": looking,
        "stock": sum(times),
        "a module, stock": statistics.mean(times),
        "a module, build": build / count,
        "times faster": sum(times) / build,
        "node": toolchain.node.version,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--target", action="append", required=True)
    parser.add_argument("--modules", type=int, default=30)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = measured(given.checkout, tuple(given.target), given.modules)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    for name, value in found.items():
        if not isinstance(value, list):
            print(f"{name:>34}: {value:.2f}" if isinstance(value, float) else f"{name:>34}: {value}")


if __name__ == "__main__":
    main()
