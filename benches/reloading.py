"""Measures reloads: how soon new code runs, how long the program stands still, what is left behind.

The library is built already, so no compiler's time is in any figure: a new version is the same file
with another number in it, renamed into place. Programs call it in a loop and tell the time of the
first call that gives the new number. Beside them runs one that does nothing but notice (floor.c): what it
takes, the machine takes.
"""

import json
import os
import select
import statistics
import subprocess
import time
from pathlib import Path

SEED = 0x5EED5EED5EED5EED
STAMP = f"static const volatile long version = {SEED:#x};\nlong stamp(void) {{ return version; }}\n"
CLOCK = """#include <time.h>
long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}
"""
PROGRAM = """.lib 0 "libstamp.so" stamp () -> i64
.lib 1 "libclock.so" now () -> i64
.local last: i64
.local this: i64
again: CALL_NATIVE 0
    TEE this
    LOAD last
    EQ
    JNZ again
    CALL_NATIVE 1
    LOAD this
    DUP
    STORE last
    PRINT
    PRINT
    JMP again
"""
PATIENCE = 10
NOTHING = "a rename noticed, and nothing done"


class Workshop:
    """A folder with a program and a library of which there are as many versions as are wanted."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.template = self.compile("stamp", STAMP)
        self.compile("clock", CLOCK)
        (self.folder / "p.vasm").write_text(PROGRAM)
        self.at = self.template.index(SEED.to_bytes(8, "little"))
        self.version = 0
        self.write()

    def compile(self, name, code):
        source, library = self.folder / f"{name}.c", self.folder / f"lib{name}.so"
        source.write_text(code)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        return library.read_bytes()

    def floor(self):
        """The program that only notices."""
        made = self.folder / "floor"
        source = Path(__file__).with_name("floor.c")
        subprocess.run(["cc", "-O2", "-o", made, source, "-lpthread"], check=True)
        return made

    def write(self):
        """Puts the next version in place; gives the time just before it appears."""
        self.version += 1
        number = self.version.to_bytes(8, "little")
        aside = self.folder / "aside"
        aside.write_bytes(self.template[: self.at] + number + self.template[self.at + 8 :])
        start = time.monotonic_ns()
        aside.rename(self.folder / "libstamp.so")
        return start


class Program:
    """A process that prints version and time of the first call of each new version. `counts` tells that it
    numbers versions itself, from 0."""

    def __init__(self, command, workshop, counts=False):
        self.workshop = workshop
        self.first = workshop.version if counts else 0
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=workshop.folder)
        self.buffer = b""
        self.words = []
        self.wait()

    def next_word(self):
        while not self.words:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            read = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not read:
                return None
            *whole, self.buffer = (self.buffer + read).replace(b"\n", b" ").split(b" ")
            self.words += map(int, whole)
        return self.words.pop(0)

    def wait(self):
        """The time of the first call of the newest version; `None` when it never comes."""
        while (version := self.next_word()) is not None:
            called = self.next_word()
            if version == self.workshop.version - self.first:
                return called
        return None

    def reload(self):
        """The nanoseconds from the write to the first call."""
        start = self.workshop.write()
        called = self.wait()
        return None if called is None else called - start

    def status(self, key):
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key))

    def maps(self):
        return Path(f"/proc/{self.process.pid}/maps").read_text().count("\n")

    def end(self):
        self.process.kill()
        self.process.wait()


def quantiles(values):
    values = sorted(values)
    return statistics.median(values), values[min(len(values) - 1, len(values) * 99 // 100)]


def latencies(workshop, commands, blocks):
    """For each command, the nanoseconds of its reloads, and how many never came. They run in turn."""
    results = {name: ([], 0) for name in commands}
    for _ in range(blocks):
        for name, (command, reloads) in commands.items():
            program = Program(command, workshop, counts=name == NOTHING)
            times = [program.reload() for _ in range(reloads)]
            program.end()
            seen, missed = results[name]
            results[name] = (seen + [t for t in times if t is not None], missed + times.count(None))
    return results


def events(path, kind):
    lines = map(json.loads, path.read_text().splitlines())
    return [event for event in lines if event["event"] == kind]


def leftovers(workshop, hotvm, flags, reloads, warm_up=200):
    """Memory in KB and mappings for each generation, how many reloads it took, and for how long."""
    log = workshop.folder / "events.jsonl"
    program = Program([*hotvm, "--events", str(log), *flags], workshop)
    for _ in range(warm_up):
        program.reload()
    before, maps, start = program.status("VmRSS"), program.maps(), time.monotonic()
    done = 0
    while done < reloads and program.reload() is not None:
        done += 1
    took = time.monotonic() - start
    grown, mapped = program.status("VmRSS") - before, program.maps() - maps
    alive = program.process.poll() is None
    rejected = events(log, "rejected")
    program.end()
    return {
        "reloads": done, "kb": grown, "maps": mapped, "seconds": took, "alive": alive,
        "rejected": rejected[0]["message"] if rejected else None,
        "pauses": [event["pause_ns"] for event in events(log, "published")],
    }


def measure(folder, hotvm, peer, reloads):
    """The text of the section."""
    workshop = Workshop(folder)
    run = [str(hotvm), "run", "p.vasm", "--watch", "-q"]
    log = workshop.folder / "latency.jsonl"
    floor, floor_pauses = workshop.floor(), workshop.folder / "pauses"
    per_block, blocks = 200, 10
    commands = {
        "hotvm": ([*run, "--events", str(log)], per_block),
        NOTHING: ([str(floor), str(workshop.folder), "libstamp.so", str(floor_pauses)], per_block),
        "hot-lib-reloader, debounce 1 ms": ([str(peer), str(folder), "1"], per_block),
        "hot-lib-reloader, as it comes (500 ms)": ([str(peer), str(folder), "500"], 2),
    }
    pauses = []
    results = {name: ([], 0) for name in commands}
    for _ in range(blocks):
        for name, (seen, missed) in latencies(workshop, commands, 1).items():
            results[name] = (results[name][0] + seen, results[name][1] + missed)
        pauses += [event["pause_ns"] for event in events(log, "published")]
    rows = [
        "From just before the rename of a finished library to the first call of its code, by a program",
        "that calls it in a loop; the programs ran in turn.",
        "",
        "| | reloads | median | 99th percentile | never seen |",
        "|---|---|---|---|---|",
    ]
    for name, (times, missed) in results.items():
        median, tail = quantiles(times)
        rows.append(f"| {name} | {len(times)} | {median / 1e6:.3f} ms | {tail / 1e6:.3f} ms | {missed} |")
    floor_times = sorted(int(line) for line in floor_pauses.read_text().split())
    (median, tail), (usual, slow) = quantiles(pauses), quantiles(floor_times)
    rows += [
        "",
        f"The program stood still for {median / 1e3:.1f} µs in the median, {tail / 1e3:.1f} µs at the 99th percentile",
        f"(targets: 1 ms to the first call, 10 µs of pause). A loop of {usual / 1e3:.1f} µs in the median, run at the",
        f"same moment where nothing is done, takes {slow / 1e3:.1f} µs at the 99th percentile. cr.h is in no package",
        "registry, so it is not measured.",
        "",
    ]
    kept = leftovers(workshop, run, [], 2000)
    rows += [
        f"Old generations stay mapped by default: {kept['kb'] / kept['reloads']:.1f} KB and "
        f"{kept['maps'] / kept['reloads']:.1f} mappings for each reload.",
    ]
    gone = leftovers(workshop, run, ["--unload"], reloads)
    rows += [
        f"With `--unload`, {gone['reloads']:,} reloads in {gone['seconds']:.0f} s left {gone['kb']:,} KB and "
        f"{gone['maps']} mappings in all; the pause was {quantiles(gone['pauses'])[0] / 1e3:.1f} µs in the median.",
    ]
    full = leftovers(workshop, run, [], 20_000)
    if full["rejected"]:
        rows += [
            f"Without it, the system's limit of mappings (`vm.max_map_count`) came after {full['reloads'] + 200:,} reloads.",
            f"The next was refused, and the program {'went on' if full['alive'] else 'ended'}.",
        ]
    return "\n".join(rows)
