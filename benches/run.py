#!/usr/bin/env python3
"""Measures hotvm against its peers and writes the figures into docs/benchmarks.md.

    python3 benches/run.py            all of it
    python3 benches/run.py --rounds 5
    python3 benches/run.py --only reloading --quick      prints figures, a minute's worth

`benches/engines.py` measures a part of the engines, for those who work on them.

Peers come from package registries: wasm-tools and hot-lib-reloader (built into `benches/peers`) by
cargo, wabt by the system's package manager, those of the engines as contestants.py says. The
commands of one comparison run in turn, round after round, so that all see the same machine; what is
stated is medians, and their ratios within the run.
"""

import argparse
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import contestants
import engines
import reloading
from measure import PEERS, ROOT, TARGET, compare

FUNCTIONS, REPEATS = 25_000, 10


def vasm():
    """The program as hotvm's text: 25,000 functions of 44 lines."""
    for f in range(FUNCTIONS):
        yield f".func f{f}\n    .local x: i64\n"
        for i in range(REPEATS):
            yield f"    LOAD x\n    PUSH {f * REPEATS + i}\n    ADD\n    STORE x\n"
        yield "    RET\n.end\n"
    yield "HALT\n"


def wat():
    """The same program as WebAssembly text."""
    yield "(module\n"
    for f in range(FUNCTIONS):
        yield f"(func $f{f}\n    (local $x i64)\n"
        for i in range(REPEATS):
            yield f"    local.get $x\n    i64.const {f * REPEATS + i}\n    i64.add\n    local.set $x\n"
        yield "    return\n)\n"
    yield ")\n"


def install_peers():
    if not (PEERS / "bin" / "wasm-tools").exists():
        subprocess.run(["cargo", "install", "wasm-tools", "--locked", "--root", PEERS], check=True)
    if shutil.which("wat2wasm") is None:
        subprocess.run(["apt-get", "install", "-y", "-q", "wabt"], check=True)


def build_reloading_peer():
    manifest = ROOT / "benches/peers/hot-lib-reloader/Cargo.toml"
    build = ["cargo", "build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", PEERS]
    subprocess.run(build, check=True)
    return PEERS / "release/peer-hot-lib-reloader"


def version(command):
    output = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    return output.stdout.split()[-1] if " " not in output.stdout.strip() else output.stdout.split()[1]


def assembling(folder, rounds):
    hotvm, wasm_tools = TARGET / "release/hotvm", PEERS / "bin/wasm-tools"
    text, wasm = folder / "program.vasm", folder / "program.wat"
    # Line by line: a child's peak memory begins with that of the process that started it.
    for path, lines in ((text, vasm()), (wasm, wat())):
        with path.open("w") as file:
            file.writelines(lines)
    commands = {
        "hotvm asm": [str(hotvm), "asm", str(text), "-o", str(folder / "a.vbc")],
        "wasm-tools parse": [str(wasm_tools), "parse", str(wasm), "-o", str(folder / "b.wasm")],
        "wat2wasm": ["wat2wasm", str(wasm), "-o", str(folder / "c.wasm")],
    }
    medians = compare(commands, rounds)
    lines = text.read_text().count("\n")
    listed = subprocess.run([str(hotvm), "dis", str(folder / "a.vbc")], capture_output=True, text=True, check=True)
    assert listed.stdout.count(".func ") == FUNCTIONS, "hotvm did not assemble every function"
    best = min(medians[name].cpu for name in commands if name != "hotvm asm")
    rows = [
        f"{lines:,} lines, {FUNCTIONS:,} functions; {rounds} rounds, medians. hotvm also proves the program;",
        "wat2wasm validates, `wasm-tools parse` does not. Processor time is user and system; all three are",
        "single-threaded.",
        "",
        "| | processor time | wall time | peak memory | hotvm takes |",
        "|---|---|---|---|---|",
    ]
    own = medians["hotvm asm"].cpu
    for name, cost in medians.items():
        ratio = "" if name == "hotvm asm" else f"{own / cost.cpu:.2f} of its time"
        rows.append(f"| {name} | {cost.cpu:.3f} s | {cost.wall:.3f} s | {cost.memory:.0f} MB | {ratio} |")
    rows += ["", f"Against the faster of the two: **{own / best:.2f}** (target 0.50)."]
    return "\n".join(rows)


def slots():
    """The price of a call through a slot, as `cargo bench --bench slots` measures it."""
    output = subprocess.run(["cargo", "bench", "--bench", "slots"], cwd=ROOT, capture_output=True, text=True, check=True)
    price = {name: float(ns) for name, ns in (line.split() for line in output.stdout.splitlines() if line.count(" ") == 1)}
    names = {
        "c_loop": "C loop over a volatile function pointer",
        "slot": "`Libraries::call`, guard off",
        "slot_guarded": "guard on",
        "slot_guarded_timeout": "guard on, with a timeout",
    }
    rows = ["| | a call | of the C loop |", "|---|---|---|"]
    for key, name in names.items():
        rows.append(f"| {name} | {price[key]:.2f} ns | {price[key] / price['c_loop']:.1f} |")
    return "\n".join(rows)


def replace(section, body):
    path = ROOT / "docs" / "benchmarks.md"
    text = path.read_text()
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n{body}\n{end}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--reloads", type=int, default=100_000, help="with --unload; the rest takes fewer")
    parser.add_argument("--quick", action="store_true", help="with --only reloading: fewer, printed and not written")
    parser.add_argument("--only", choices=["assembling", "engines", "reloading", "slots"])
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    wanted = lambda section: options.only in (None, section)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    with tempfile.TemporaryDirectory() as folder:
        if wanted("assembling"):
            install_peers()
            peers = f"wasm-tools {version(str(PEERS / 'bin/wasm-tools'))}, wabt {version('wat2wasm')}"
            replace("machine", f"Measured on {machine}; {peers}.")
            replace("assembling", assembling(Path(folder), options.rounds))
        if wanted("engines"):
            for section, text in engines.Tables(TARGET / "release/hotvm", options.rounds).sections():
                replace(section, text)
            replace("contestants", f"Measured on {machine}; {contestants.versions()}.")
        if wanted("slots"):
            replace("slots", slots())
        if wanted("reloading"):
            hotvm = TARGET / "release/hotvm"
            text = reloading.measure(folder, hotvm, build_reloading_peer(), options.reloads, options.quick)
            print(text) if options.quick else replace("reloading", text)


if __name__ == "__main__":
    main()
