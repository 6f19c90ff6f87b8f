"""Measures reloads: how soon new code runs, how long the program stands still, what is left behind.

The library is built already, so no compiler's time is in any figure: a new version is the same file
with another number in it, renamed into place. Programs call it in a loop and tell the time of the
first call that gives the new number. hotvm's calls two functions of it, which must never disagree.
Beside them runs one that does nothing but notice (floor.c): what it takes, the machine takes. And the
system tells for how long threads were ready and had no processor.
"""

import json
import os
import select
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

SEED = 0x5EED5EED5EED5EED
STAMP = f"""static const volatile long version = {SEED:#x};
long stamp(void) {{ return version; }}
long second(void) {{ return version; }}
"""
# The same with something to carry over: what is changed once must stay so.
VARIABLES, BYTES = 1000, 1 << 20
STATE = "".join(
    [
        *(f"static long v{i};\n" for i in range(VARIABLES)),
        f"static char bytes[{BYTES}];\n",
        "static void change(void)\n{\n",
        *(f"    v{i} += {i + 1};\n" for i in range(VARIABLES)),
        f"    for (long i = 0; i < {BYTES}; i++)\n        bytes[i] += (char)i | 1;\n}}\n",
        f"static const volatile long version = {SEED:#x};\n",
        "long stamp(void) { if (!v0) change(); return version; }\n",
        f"long second(void) {{ return v{VARIABLES - 1} == {VARIABLES} && bytes[5] == 5 ? version : -1; }}\n",
    ]
)
CLOCK = """#include <time.h>
long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}
"""
PROGRAM = """.lib 0 "libstamp.so" stamp () -> i64
.lib 1 "libstamp.so" second () -> i64
.lib 2 "libclock.so" now () -> i64
.local last: i64
.local this: i64
again: CALL_NATIVE 0
    TEE this
    CALL_NATIVE 1
    NE
    JNZ torn
    LOAD this
    LOAD last
    EQ
    JNZ again
    CALL_NATIVE 2
    LOAD this
    DUP
    STORE last
    PRINT
    PRINT
    JMP again
torn: PUSH -1
    PRINT
    HALT
"""
PATIENCE = 10
TARGET = 1_000_000  # nanoseconds to the first call of new code
NOTHING = "a rename noticed, and nothing done"


class Workshop:
    """A folder with a program and a library of which there are as many versions as are wanted."""

    def __init__(self, folder, stamp=STAMP, flags=()):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.template = self.compile("stamp", stamp, flags)
        self.compile("clock", CLOCK)
        (self.folder / "p.vasm").write_text(PROGRAM)
        self.at = self.template.index(SEED.to_bytes(8, "little"))
        self.version = 0
        self.write()

    def compile(self, name, code, flags=()):
        source, library = self.folder / f"{name}.c", self.folder / f"lib{name}.so"
        source.write_text(code)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", *flags, "-o", library, source], check=True)
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
        # Of each reload that took longer than the target: by how much, and how long threads of the
        # program had no processor meanwhile.
        self.late = []
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
            if version == -1:
                sys.exit("two functions of one library were of different versions, or variables were lost")
            called = self.next_word()
            if version == self.workshop.version - self.first:
                return called
        return None

    def reload(self):
        """The nanoseconds from the write to the first call."""
        before = self.without_processor()
        start = self.workshop.write()
        called = self.wait()
        if called is None:
            return None
        if called - start > TARGET:
            self.late.append((called - start - TARGET, self.without_processor() - before))
        return called - start

    def without_processor(self):
        """The nanoseconds for which its threads were ready to run and did not."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[1]) for thread in threads)

    def status(self, key):
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key))

    def maps(self):
        return Path(f"/proc/{self.process.pid}/maps").read_text().count("\n")

    def end(self):
        self.process.kill()
        self.process.wait()


@dataclass
class Reloads:
    times: list = field(default_factory=list)  # nanoseconds from the write to the first call
    missed: int = 0  # how many never came
    late: list = field(default_factory=list)  # as in Program


def quantiles(values):
    values = sorted(values)
    return statistics.median(values), values[min(len(values) - 1, len(values) * 99 // 100)]


def latencies(workshop, commands, blocks):
    """For each command, its reloads. They run in turn."""
    results = {name: Reloads() for name in commands}
    for _ in range(blocks):
        for name, (command, reloads) in commands.items():
            program = Program(command, workshop, counts=name == NOTHING)
            times = [program.reload() for _ in range(reloads)]
            program.end()
            result = results[name]
            result.times += [t for t in times if t is not None]
            result.missed += times.count(None)
            result.late += program.late
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


def with_state(folder, run, reloads):
    """The nanoseconds that a program stands still when its library has variables."""
    workshop = Workshop(Path(folder) / "state", STATE, ["-g"])
    log = workshop.folder / "events.jsonl"
    program = Program([*run, "--events", str(log)], workshop)
    for _ in range(reloads):
        program.reload()
    program.end()
    return [event["pause_ns"] for event in events(log, "published")]


def reasons(own, floor):
    """What is known of the reloads that took longer than the target."""
    if not own.late:
        return f"No reload took more than {TARGET / 1e6:.0f} ms; of noticing alone, {len(floor.late)} did."
    explained = sum(1 for above, waited in own.late if waited >= above)
    return (
        f"Of hotvm's reloads {len(own.late)} took more than {TARGET / 1e6:.0f} ms, of noticing alone {len(floor.late)}. "
        f"In {explained} of the {len(own.late)}, hotvm's\nthreads were ready and without a processor for at "
        "least the time above that: these are the scheduler's."
    )


def measure(folder, hotvm, peer, reloads, quick=False):
    """The text of the section."""
    workshop = Workshop(folder)
    run = [str(hotvm), "run", "p.vasm", "--watch", "-q"]
    log = workshop.folder / "latency.jsonl"
    floor, floor_pauses = workshop.floor(), workshop.folder / "pauses"
    per_block, blocks = (50, 2) if quick else (200, 10)
    commands = {
        "hotvm": ([*run, "--events", str(log)], per_block),
        NOTHING: ([str(floor), str(workshop.folder), "libstamp.so", str(floor_pauses)], per_block),
        "hot-lib-reloader, debounce 1 ms": ([str(peer), str(folder), "1"], per_block),
        "hot-lib-reloader, as it comes (500 ms)": ([str(peer), str(folder), "500"], 2),
    }
    pauses = []
    results = {name: Reloads() for name in commands}
    for _ in range(blocks):
        for name, block in latencies(workshop, commands, 1).items():
            results[name].times += block.times
            results[name].missed += block.missed
            results[name].late += block.late
        pauses += [event["pause_ns"] for event in events(log, "published")]
    rows = [
        "From just before the rename of a finished library to the first call of its code, by a program",
        "that calls it in a loop; the programs ran in turn.",
        "",
        "| | reloads | median | 99th percentile | never seen |",
        "|---|---|---|---|---|",
    ]
    for name, result in results.items():
        median, tail = quantiles(result.times)
        rows.append(f"| {name} | {len(result.times)} | {median / 1e6:.3f} ms | {tail / 1e6:.3f} ms | {result.missed} |")
    floor_times = sorted(int(line) for line in floor_pauses.read_text().split())
    (median, tail), (usual, slow) = quantiles(pauses), quantiles(floor_times)
    state, state_tail = quantiles(with_state(folder, run, 2 * per_block))
    rows += [
        "",
        f"The program stood still for {median / 1e3:.1f} µs in the median, {tail / 1e3:.1f} µs at the 99th percentile",
        f"(targets: 1 ms to the first call, 10 µs of pause). A loop of {usual / 1e3:.1f} µs in the median, run at the",
        f"same moment where nothing is done, takes {slow / 1e3:.1f} µs at the 99th percentile.",
        reasons(results["hotvm"], results[NOTHING]),
        "",
        f"With {VARIABLES:,} variables and an array of 1 MB to carry over, all of them changed, the program stood still",
        f"for {state / 1e3:.0f} µs in the median, {state_tail / 1e3:.0f} µs at the 99th percentile. cr.h is in no package registry, so it",
        "is not measured.",
        "",
    ]
    kept = leftovers(workshop, run, [], 300 if quick else 2000)
    rows += [
        f"Old generations stay mapped by default: {kept['kb'] / kept['reloads']:.1f} KB and "
        f"{kept['maps'] / kept['reloads']:.1f} mappings for each reload.",
    ]
    gone = leftovers(workshop, run, ["--unload"], min(reloads, 1000) if quick else reloads)
    rows += [
        f"With `--unload`, {gone['reloads']:,} reloads in {gone['seconds']:.0f} s left {gone['kb']:,} KB and "
        f"{gone['maps']} mappings in all; the pause was {quantiles(gone['pauses'])[0] / 1e3:.1f} µs in the median.",
        "In all of these reloads, each pair of calls of two functions of the library found them of one version.",
    ]
    if quick:
        return "\n".join(rows)
    full = leftovers(workshop, run, [], 20_000)
    if full["rejected"]:
        rows += [
            f"Without it, the system's limit of mappings (`vm.max_map_count`) came after {full['reloads'] + 200:,} reloads.",
            f"The next was refused, and the program {'went on' if full['alive'] else 'ended'}.",
        ]
    return "\n".join(rows)
