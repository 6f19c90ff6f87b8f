#!/usr/bin/env python3
"""Measures hotvm's engines against those of others, on the programs of benches/peers/engines.

    python3 benches/engines.py                                    all tables, to standard output
    python3 benches/engines.py --engines interp --benchmark fib   one program in one engine
    python3 benches/engines.py --quick --against old/hotvm        a look, beside another hotvm

`benches/run.py` puts the tables into docs/benchmarks.md. What is compared is processor time, of all
threads; wall time where it says so. The contestants run in turn, round after round; what is stated is
medians and their ratios, and every program must give the same result everywhere.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import contestants
import measure
from contestants import Hotvm, luajit, luajit_interpreted, lua, native, v8, wasmi, wasmtime


@dataclass(frozen=True)
class Sizes:
    quick: int
    interpreters: int
    compilers: int


PROGRAMS = {
    "fib": Sizes(30, 36, 41),
    "sieve": Sizes(20, 80, 600),
    "mandel": Sizes(400, 1000, 2000),
    "loop": Sizes(10_000_000, 60_000_000, 300_000_000),
    "nbody": Sizes(100_000, 600_000, 8_000_000),
    "spectral-norm": Sizes(400, 1200, 3000),
    "fannkuch": Sizes(9, 10, 10),
    "matmul": Sizes(200, 400, 1000),
    "binary-trees": Sizes(12, 16, 18),
    "scan": Sizes(100, 400, 2000),
    "switch": Sizes(8000, 30_000, 200_000),
}
# Calls of native functions have tables of their own.
CALLS = "nloop"
SIZES = {**PROGRAMS, CALLS: Sizes(2_000_000, 20_000_000, 100_000_000)}

# LuaJIT's interpreter allocates each integer of 64 bits, and takes a hundred times as long as the others.
LEFT_OUT = {("loop", "LuaJIT -joff")}

HELLO = {
    "p.vasm": "PUSH 6\nPUSH 7\nMUL\nPRINT\nHALT\n",
    "p.lua": "local a = 6\nlocal b = 7\nlocal c = a * b\nprint(c)\nreturn\n",
}


def run(command):
    """As `measure.run`; those that tell their own processor time, without starting up, are believed."""
    cost = measure.run(command)
    cost.output, *own = cost.output.split()
    cost.cpu = float(own[0]) if own else cost.cpu
    return cost


class Comparison:
    """What contestants, named commands for a program and a size, need for programs; measured in turn."""

    def __init__(self, named, sizes, rounds):
        self.sizes = sizes
        self.costs = {}
        for name, size in sizes.items():
            commands = {who: command(name, size) for who, command in named.items() if (name, who) not in LEFT_OUT}
            print(f"{name} {size}: {', '.join(commands)}", file=sys.stderr)
            self.costs[name] = measure.compare(commands, rounds, run)
            results = {who: cost.output for who, cost in self.costs[name].items()}
            if len(set(results.values())) > 1:
                sys.exit(f"{name} {size}: the results differ: {results}")

    def seconds(self, name, who):
        return self.costs[name][who].cpu

    def ratios(self, own, peer):
        names = (name for name in self.sizes if (name, peer) not in LEFT_OUT)
        return {name: self.seconds(name, own) / self.seconds(name, peer) for name in names}

    def table(self, own, peers, targets):
        """A row for each program: seconds, and behind those of a peer the ratio to it."""
        rows = ["| | size | " + " | ".join([own, *peers]) + " |", "|---|--:|" + "--:|" * (1 + len(peers))]
        ratios = {peer: self.ratios(own, peer) for peer in peers}
        for name, size in self.sizes.items():
            cells = [f"{self.seconds(name, own):.3f} s"]
            for peer in peers:
                ratio = ratios[peer].get(name)
                cells.append(f"{self.seconds(name, peer):.3f} s **{ratio:.2f}**" if ratio else "–")
            rows.append(f"| {name} | {size:,} | " + " | ".join(cells) + " |")
        for what, summary in ("geometric mean", statistics.geometric_mean), ("the worst", max):
            cells = [f"**{summary(values):.2f}**" if values else "–" for values in map(dict.values, ratios.values())]
            rows.append(f"| {what} | | | " + " | ".join(cells) + " |")
        rows.append("| target | | | " + " | ".join(targets.get(peer, "") for peer in peers) + " |")
        return "\n".join(rows)


class Tables:
    """Each method measures and gives the text of one section of docs/benchmarks.md."""

    def __init__(self, binary, rounds, wanted=None, engines=contestants.ENGINES, quick=False, before=None):
        self.hotvm, self.before = Hotvm(binary), Hotvm(before) if before else None
        self.rounds, self.quick = 3 if quick else rounds, quick
        self.everything = wanted is None
        self.names = [name for name in PROGRAMS if self.everything or name in wanted]
        self.calls = self.everything or CALLS in wanted
        self.wanted_engines = engines
        self.engines = {engine: self.hotvm.engine(engine) for engine in engines if engine in self.hotvm.flags}
        contestants.install()
        contestants.build([*PROGRAMS, CALLS])

    def size(self, name, kind):
        smaller = {"interpreters": "quick", "compilers": "interpreters"}
        return getattr(SIZES[name], smaller[kind] if self.quick else kind)

    def compare(self, named, names, kind):
        return Comparison(named, {name: self.size(name, kind) for name in names}, self.rounds)

    def lacks(self, *engines):
        """Why a section cannot be measured; nothing where it is not wanted."""
        if not set(engines) <= set(self.wanted_engines):
            return None
        absent = [f"`--engine {engine}`" for engine in engines if engine not in self.hotvm.flags]
        return f"Not measured: this hotvm has no {' and no '.join(absent)}." if absent else None

    def versus(self, engine, kind, peers, targets):
        if engine not in self.engines:
            return self.lacks(engine)
        own = f"hotvm {engine}"
        if self.before:
            peers = {"before": self.before.engine(engine), **peers}
        return self.compare({own: self.engines[engine], **peers}, self.names, kind).table(own, list(peers), targets)

    def interpreters(self):
        peers = {"wasmi": wasmi, "LuaJIT -joff": luajit_interpreted, "Lua 5.4": lua}
        targets = {"wasmi": "0.60, none above 0.90", "LuaJIT -joff": "0.40"}
        return self.versus("interp", "interpreters", peers, targets)

    def compilers(self):
        peers = {"wasmtime": wasmtime, "gcc -O2": native, "LuaJIT": luajit}
        if shutil.which("node"):
            peers["V8"] = v8
        targets = {"wasmtime": "1.00, none above 1.25", "gcc -O2": "1.30", "LuaJIT": "0.80"}
        return self.versus("jit", "compilers", peers, targets)

    def tiers(self):
        """`auto` beside both others at the sizes for interpreters, and beside the JIT at those for compilers."""
        if set(self.engines) != set(contestants.ENGINES):
            return self.lacks(*contestants.ENGINES)
        short = self.compare(self.engines, self.names, "interpreters")
        long = self.compare({engine: self.engines[engine] for engine in ("jit", "auto")}, self.names, "compilers")
        rows = ["| | size | interp | jit | auto | of the better | size | jit | auto | of jit |", "|---|" + "--:|" * 9]
        of_better, of_jit = [], []
        for name in self.names:
            times = [short.seconds(name, engine) for engine in ("interp", "jit", "auto")]
            longer = [long.seconds(name, engine) for engine in ("jit", "auto")]
            of_better.append(times[2] / min(times[:2]))
            of_jit.append(longer[1] / longer[0])
            cells = [name, f"{short.sizes[name]:,}", *map("{:.3f} s".format, times), f"**{of_better[-1]:.2f}**"]
            cells += [f"{long.sizes[name]:,}", *map("{:.3f} s".format, longer), f"**{of_jit[-1]:.2f}**"]
            rows.append("| " + " | ".join(cells) + " |")
        rows.append(f"| the worst (target 1.10) | | | | | **{max(of_better):.2f}** | | | | **{max(of_jit):.2f}** |")
        return "\n".join(rows)

    def native_calls(self):
        c_loop = "C loop over a pointer from `dlsym`"
        ways, targets = {c_loop: native, "LuaJIT's FFI": luajit}, {}
        limits = {("jit", "off"): "1.00", ("jit", "on"): "1.25", ("interp", "off"): "4.00", ("interp", "on"): ""}
        for (engine, guard), target in limits.items():
            if engine in self.engines:
                way = f"hotvm {engine}, guard {guard}"
                ways[way], targets[way] = self.hotvm.engine(engine, "--guard", guard), target
        comparison = self.compare(ways, [CALLS], "compilers")
        ratios = {way: comparison.ratios(way, c_loop)[CALLS] for way in ways}
        rows = ["| | a call | of the C loop | target |", "|---|--:|--:|--:|"]
        for way, ratio in ratios.items():
            nanoseconds = comparison.seconds(CALLS, way) / comparison.sizes[CALLS] * 1e9
            rows.append(f"| {way} | {nanoseconds:.2f} ns | **{ratio:.2f}** | {targets.get(way, '')} |")
        return "\n".join(rows)

    def watching(self):
        """The same loop with a watcher beside it that has nothing to do. It would watch on: its result is the end."""
        kind = "compilers" if "auto" in self.hotvm.flags else "interpreters"
        program = self.hotvm.program(CALLS, self.size(CALLS, kind))
        alone = [self.hotvm.binary, "run", program, "--guard", "on"]
        commands = {"alone": alone, "watched": [*alone, "--watch", "-q"]}
        until_output = lambda command: measure.run(command, until_output=True)
        costs = measure.compare(commands, 2 * self.rounds, until_output)
        alone, watched = (costs[way].cpu for way in commands)
        return "\n".join([
            "| alone | with `--watch` | ratio | target |", "|--:|--:|--:|--:|",
            f"| {alone:.3f} s | {watched:.3f} s | **{watched / alone:.3f}** | 1.02 |",
        ])

    def starting(self):
        rows = ["| | hotvm | the other | ratio | target |", "|---|--:|--:|--:|--:|"]
        row = "| {} | {:.2f} ms | {:.2f} ms | **{:.2f}** | 1.20 |".format
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            for name, text in HELLO.items():
                (folder / name).write_text(text)
            # A copy, as an installation makes one: a file that a linker has written bit by bit is read in
            # smaller pieces.
            hotvm = shutil.copy(self.hotvm.binary, folder / "hotvm")
            hello = {"hotvm": [hotvm, "run", folder / "p.vasm"], "lua": ["lua5.4", folder / "p.lua"]}
            costs = measure.compare(hello, 20 * self.rounds)
            own, peer = (costs[who].wall * 1e3 for who in hello)
            rows.append(row("five lines; `lua5.4`", own, peer, own / peer))
            if {"auto", "interp"} <= set(self.engines):
                text, program = folder / "once.vasm", folder / "once.vbc"
                text.write_text("".join(once()))
                contestants.shell(self.hotvm.binary, "asm", text, "-o", program)
                commands = {engine: self.hotvm.command(engine, program) for engine in ("auto", "interp")}
                costs = measure.compare(commands, 2 * self.rounds)
                own, peer = (costs[engine].first * 1e3 for engine in commands)
                what = "a million instructions, each once, until the output; `--engine interp`"
                rows.append(row(what, own, peer, own / peer))
        return "\n".join(rows)

    def sections(self):
        """Names and texts, as they are measured."""
        if self.names:
            yield "interpreters", self.interpreters()
            yield "compilers", self.compilers()
            yield "tiers", self.tiers()
        if self.calls:
            yield "native-calls", self.native_calls()
            yield "watching", self.watching()
        if self.everything:
            yield "starting", self.starting()


def once():
    """A program that runs a million instructions once each, in functions of forty, and prints at the end."""
    functions = 25_000
    for f in range(functions):
        yield f".func f{f} (x: i64) -> i64\n"
        yield "".join(f"    LOAD x\n    PUSH {f + i}\n    XOR\n    STORE x\n" for i in range(9))
        yield "    LOAD x\n    NOP\n    RET\n.end\n"
    yield "PUSH 1\n" + "".join(f"CALL f{f}\n" for f in range(functions)) + "PRINT\nHALT\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hotvm", default=measure.TARGET / "release/hotvm", help="the binary")
    parser.add_argument("--against", help="another hotvm, as a contestant named `before`")
    parser.add_argument("--benchmark", action="append", choices=SIZES, help="may be repeated")
    parser.add_argument("--engines", nargs="+", choices=contestants.ENGINES, default=contestants.ENGINES)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, three rounds")
    options = parser.parse_args()
    tables = Tables(options.hotvm, options.rounds, options.benchmark, options.engines, options.quick, options.against)
    for section, text in tables.sections():
        if text:
            print(f"\n{section}\n\n{text}", flush=True)


if __name__ == "__main__":
    main()
