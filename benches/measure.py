"""Runs commands and tells what they cost."""

import os
import signal
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PEERS = TARGET / "peers"


@dataclass
class Cost:
    cpu: float  # seconds, user and system
    wall: float  # seconds
    first: float  # wall seconds until the first output
    memory: float  # the peak, in MB
    output: str


def run(command, until_output=False):
    """Runs a command to its end; or, where it has none, until its first output."""
    command = [str(word) for word in command]
    read, write = os.pipe()
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
    os.close(write)
    with open(read, "rb", buffering=0) as pipe:
        output = pipe.read(1 << 16)
        first = time.perf_counter() - start
        if until_output:
            os.kill(pid, signal.SIGKILL)
        output += pipe.read()
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0 and not until_output:
        sys.exit(f"{' '.join(command)} failed")
    return Cost(usage.ru_utime + usage.ru_stime, wall, first, usage.ru_maxrss / 1024, output.decode())


def compare(commands, rounds, run=run):
    """Runs named commands in turn, after once for nothing; gives for each the medians of its costs."""
    samples = {name: [] for name in commands}
    for command in commands.values():
        run(command)
    for _ in range(rounds):
        for name, command in commands.items():
            samples[name].append(run(command))
    return {name: typical(costs) for name, costs in samples.items()}


def typical(costs):
    median = lambda field: statistics.median(getattr(cost, field) for cost in costs)
    return Cost(median("cpu"), median("wall"), median("first"), median("memory"), costs[0].output)
