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
import math
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import contestants
import measure
from contestants import Hotvm, luajit, luajit_interpreted, lua, native, v8, wasmi, wasmtime


@dataclass(frozen=True)
class Sizes:
    interpreters: int
    compilers: int
    quick: int


PROGRAMS = {
    "fib": Sizes(34, 42, 27),
    "sieve": Sizes(80, 800, 10),
    "mandel": Sizes(1000, 4000, 200),
    "loop": Sizes(60_000_000, 300_000_000, 2_000_000),
    "nbody": Sizes(1_000_000, 8_000_000, 50_000),
    "spectral-norm": Sizes(1200, 4000, 200),
    "fannkuch": Sizes(10, 11, 8),
    "matmul": Sizes(400, 1000, 100),
    "binary-trees": Sizes(16, 20, 10),
    "scan": Sizes(400, 3000, 40),
    "switch": Sizes(30_000, 300_000, 3000),
}
CALLS = Sizes(30_000_000, 200_000_000, 1_000_000)

# LuaJIT's interpreter allocates each integer of 64 bits: it would flatter the mean.
NO_MATCH = {("loop", "LuaJIT -joff")}

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
    """What contestants need for programs, measured in turn."""

    def __init__(self, contestants, sizes, rounds):
        self.sizes = sizes
        self.costs = {}
        for name, size in sizes.items():
            print(f"{name} {size}: {', '.join(contestants)}", file=sys.stderr)
            commands = {who: command(name, size) for who, command in contestants.items()}
            self.costs[name] = measure.compare(commands, rounds, run)
            results = {who: cost.output for who, cost in self.costs[name].items()}
            if len(set(results.values())) > 1:
                sys.exit(f"{name} {size}: the results differ: {results}")

    def seconds(self, name, who):
        return self.costs[name][who].cpu

    def ratios(self, own, peer):
        return {name: self.seconds(name, own) / self.seconds(name, peer) for name in self.sizes}

    def table(self, own, peers, targets):
        """A row for each program: seconds, and behind those of a peer the ratio to it."""
        rows = ["| | size | " + " | ".join([own, *peers]) + " |", "|---|--:|" + "--:|" * (1 + len(peers))]
        ratios = {peer: self.ratios(own, peer) for peer in peers}
        for name, size in self.sizes.items():
            cells = [f"{self.seconds(name, own):.3f} s"]
            for peer in peers:
                ratio = f"{ratios[peer][name]:.2f}"
                ratio = f"({ratio})" if (name, peer) in NO_MATCH else f"**{ratio}**"
                cells.append(f"{self.seconds(name, peer):.3f} s {ratio}")
            rows.append(f"| {name} | {size:,} | " + " | ".join(cells) + " |")
        means = [mean(r for name, r in ratios[peer].items() if (name, peer) not in NO_MATCH) for peer in peers]
        rows.append("| geometric mean | | | " + " | ".join(f"**{m:.2f}**" for m in means) + " |")
        rows.append("| target | | | " + " | ".join(targets.get(peer, "") for peer in peers) + " |")
        return rows


def mean(ratios):
    logs = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


class Tables:
    """Each method measures and gives the text of one section of docs/benchmarks.md."""

    def __init__(self, hotvm, options):
        self.hotvm, self.options = hotvm, options
        wanted = options.benchmark or [*PROGRAMS, "nloop"]
        self.names = [name for name in PROGRAMS if name in wanted]
        self.engines = {name: hotvm.engine(name) for name in hotvm.flags if name in options.engines}
        self.calls = "nloop" in wanted
        self.before = Hotvm(options.against) if options.against else None

    def sizes(self, kind):
        return {name: getattr(PROGRAMS[name], "quick" if self.options.quick else kind) for name in self.names}

    def size_of_calls(self, kind):
        return getattr(CALLS, "quick" if self.options.quick else kind)

    def versus(self, engine, kind, peers, targets):
        if engine not in self.engines:
            return missing(engine)
        own = f"hotvm {engine}"
        if self.before and engine in self.before.flags:
            peers = {"before": self.before.engine(engine), **peers}
        comparison = Comparison({own: self.engines[engine], **peers}, self.sizes(kind), self.options.rounds)
        return "\n".join(comparison.table(own, list(peers), targets))

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
        """`auto` beside both others at the size for interpreters, and beside the JIT at the other."""
        absent = [engine for engine in contestants.ENGINES if engine not in self.engines]
        if absent:
            return missing(*absent)
        short = Comparison(self.engines, self.sizes("interpreters"), self.options.rounds)
        compiled = {engine: self.engines[engine] for engine in ("jit", "auto")}
        long = Comparison(compiled, self.sizes("compilers"), self.options.rounds)
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
        """All at the size for compilers, but for the interpreter, which is measured per call."""
        size = self.size_of_calls("compilers")
        c_loop = "C loop over a pointer from `dlsym`"
        ways = {c_loop: native, "LuaJIT's FFI": luajit}
        targets = {}
        for engine, target in (("jit", ("1.00", "1.25")), ("interp", ("4.00", ""))):
            if engine in self.engines:
                for guard, limit in zip(("off", "on"), target):
                    way = f"hotvm {engine}, guard {guard}"
                    ways[way] = self.hotvm.engine(engine, "--guard", guard)
                    targets[way] = limit
        comparison = Comparison(ways, {"nloop": size}, self.options.rounds)
        rows = ["| | a call | of the C loop | target |", "|---|--:|--:|--:|"]
        for way in ways:
            seconds = comparison.seconds("nloop", way)
            ratio = seconds / comparison.seconds("nloop", c_loop)
            rows.append(f"| {way} | {seconds / size * 1e9:.2f} ns | **{ratio:.2f}** | {targets.get(way, '')} |")
        return "\n".join(rows)

    def watching(self):
        """The same loop with a watcher beside it that has nothing to do. It would watch on: its result is the end."""
        engine = "auto" if "auto" in self.engines else "interp"
        program = self.hotvm.program("nloop", self.size_of_calls("compilers" if engine == "auto" else "interpreters"))
        commands = {
            "alone": self.hotvm.command(engine, program, "-q", "--guard", "on"),
            "watched": self.hotvm.command(engine, program, "-q", "--guard", "on", "--watch"),
        }
        until_output = lambda command: measure.run(command, until_output=True)
        costs = measure.compare(commands, 2 * self.options.rounds, until_output)
        alone, watched = (costs[way].cpu for way in commands)
        return "\n".join([
            "| engine | alone | with `--watch` | ratio (target 1.02) |", "|---|--:|--:|--:|",
            f"| {engine} | {alone:.3f} s | {watched:.3f} s | **{watched / alone:.3f}** |",
        ])

    def starting(self):
        engine = "auto" if "auto" in self.engines else "interp"
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            for name, text in HELLO.items():
                (folder / name).write_text(text)
            hello = {
                "hotvm": self.hotvm.command(engine, folder / "p.vasm"),
                "lua5.4": ["lua5.4", folder / "p.lua"],
            }
            costs = measure.compare(hello, 20 * self.options.rounds)
            own, peer = (costs[who].wall * 1e3 for who in hello)
            rows = [
                "| | hotvm | other | ratio | target |", "|---|--:|--:|--:|--:|",
                f"| five lines, wall time; lua5.4 | {own:.2f} ms | {peer:.2f} ms | **{own / peer:.2f}** | 1.20 |",
            ]
            if engine == "auto" and "interp" in self.engines:
                (folder / "once.vasm").write_text("".join(once()))
                program = folder / "once.vbc"
                contestants.shell(self.hotvm.binary, "asm", folder / "once.vasm", "-o", program)
                commands = {e: self.hotvm.command(e, program) for e in ("auto", "interp")}
                costs = measure.compare(commands, 2 * self.options.rounds)
                own, peer = (costs[e].first * 1e3 for e in commands)
                rows.append(
                    "| a million instructions, each run once, wall time to the output; `--engine interp` "
                    f"| {own:.1f} ms | {peer:.1f} ms | **{own / peer:.2f}** | 1.20 |"
                )
        return "\n".join(rows)

    def all(self):
        """Names and texts of the sections, as they are measured."""
        if self.names:
            yield "interpreters", self.interpreters()
            yield "compilers", self.compilers()
            yield "tiers", self.tiers()
        if self.calls:
            yield "native-calls", self.native_calls()
            yield "watching", self.watching()
        if not self.options.benchmark:
            yield "starting", self.starting()


def missing(*engines):
    return f"Not measured: this hotvm was not asked for or has no `--engine {'`, `'.join(engines)}`."


def once():
    """A program that runs a million instructions once each, in functions of forty, and prints at the end."""
    functions = 1_000_000 // 40
    for f in range(functions):
        yield f".func f{f} (x: i64) -> i64\n"
        yield "".join(f"    LOAD x\n    PUSH {f + i}\n    XOR\n    STORE x\n" for i in range(9))
        yield "    LOAD x\n    RET\n.end\n"
    yield "PUSH 1\n" + "".join(f"CALL f{f}\n" for f in range(functions)) + "PRINT\nHALT\n"


def add_options(parser):
    parser.add_argument("--benchmark", action="append", choices=[*PROGRAMS, "nloop"], help="may be repeated")
    parser.add_argument("--engines", nargs="+", choices=contestants.ENGINES, default=contestants.ENGINES)
    parser.add_argument("--quick", action="store_true", help="small sizes, three rounds")
    parser.add_argument("--against", help="another hotvm, as a contestant named `before`")


def prepare(options):
    """Installs and builds what takes part."""
    if options.quick:
        options.rounds = 3
    contestants.install()
    contestants.build([*PROGRAMS, "nloop"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hotvm", default=measure.TARGET / "release/hotvm", help="the binary")
    parser.add_argument("--rounds", type=int, default=7)
    add_options(parser)
    options = parser.parse_args()
    prepare(options)
    for section, text in Tables(Hotvm(options.hotvm), options).all():
        print(f"\n{section}\n\n{text}")


if __name__ == "__main__":
    main()
