#!/usr/bin/env python3
"""Measures hotvm against its peers and writes the figures into docs/benchmarks.md.

    python3 benches/run.py            all of it
    python3 benches/run.py --rounds 5
    python3 benches/run.py --only assembling
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

import assembling
import contestants
import engines
import reloading
from measure import PEERS, ROOT, TARGET


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
            replace("assembling", assembling.measured(Path(folder), options.rounds))
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
