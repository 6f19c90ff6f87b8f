"""Measures the assembler, the disassembler and the verifier against those of WebAssembly.

The program is generated, once as hotvm's text and once as WebAssembly's, instruction for instruction.
"""

import os
import re
import subprocess

import measure
from measure import PEERS, TARGET, compare

HOTVM, WASM_TOOLS = TARGET / "release/hotvm", PEERS / "bin/wasm-tools"
FUNCTIONS, REPEATS = 25_000, 10
LINES_OF_A_FUNCTION = 4 * REPEATS + 4
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
ONE_FUNCTION = 1_000_000
SAME = {"LOAD": "local.get", "PUSH": "i64.const", "ADD": "i64.add", "STORE": "local.set", "RET": "return"}


def vasm(functions=FUNCTIONS, repeats=REPEATS):
    """The program as hotvm's text: functions of 44 lines, unless told otherwise."""
    for f in range(functions):
        yield f".func _f{f}\n    .local x: i64\n"
        for i in range(repeats):
            yield f"    LOAD x\n    PUSH {f * repeats + i}\n    ADD\n    STORE x\n"
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


def write(path, lines):
    """Piece by piece: a child's peak memory begins with that of the process that started it."""
    with path.open("w") as file:
        file.writelines(lines)
    return path


def on_one_processor(command):
    """Runs a command where a second thread is of no use, and hotvm starts none."""
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    try:
        return measure.run(command)
    finally:
        os.sched_setaffinity(0, everywhere)


def instructions(command, names):
    """What a program does, as a tool lists it: the instructions by their names, and the constants."""
    listed = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    for line in listed.stdout:
        word, _, operand = line.strip().partition(" ")
        if word in names:
            yield names[word], operand if re.fullmatch(r"\d+", operand) else ""
    assert listed.wait() == 0, f"{command[0]} failed"


def check_outputs(vbc, wasm):
    """Both assemblers have made something valid, and the same."""
    subprocess.run([HOTVM, "check", vbc], check=True)
    subprocess.run([WASM_TOOLS, "validate", wasm], check=True)
    ours = instructions([HOTVM, "dis", vbc], SAME)
    theirs = instructions([WASM_TOOLS, "print", wasm], {name: name for name in SAME.values()})
    count = 0
    for one, other in zip(ours, theirs, strict=True):
        assert one == other, f"not the same program: {one} and {other}"
        count += 1
    assert count == FUNCTIONS * (4 * REPEATS + 1), "instructions are missing"


def row(name, cost, ratio):
    return f"| {name} | {cost.cpu:.3f} s | {cost.wall:.3f} s | {cost.memory:.0f} MB | {ratio} |"


HEAD = ["| | processor time | wall time | peak memory | hotvm takes |", "|---|---|---|---|---|"]


def assembling(text, wat, vbc, wasm, rounds):
    own, tools, wabt = "hotvm asm", "wasm-tools parse", "wat2wasm"
    commands = {own: [HOTVM, "asm", text, "-o", vbc], tools: [WASM_TOOLS, "parse", wat, "-o", wasm]}
    two = compare(commands, rounds)
    one = compare(commands | {wabt: ["wat2wasm", wat, "-o", wasm.with_suffix(".wabt")]}, rounds, on_one_processor)
    check_outputs(vbc, wasm)
    share = lambda name: f"{one[own].cpu / one[name].cpu:.2f} of its time"
    memory = two[own].memory / two[tools].memory
    return [
        "On one processor:",
        "",
        *HEAD,
        row(own, one[own], ""),
        row(tools, one[tools], share(tools)),
        row(wabt, one[wabt], share(wabt)),
        "",
        f"Processor time against `wasm-tools parse`: **{one[own].cpu / one[tools].cpu:.2f}** (target 0.25).",
        "",
        "On all, where hotvm uses two threads:",
        "",
        *HEAD,
        row(own, two[own], ""),
        row(tools, two[tools], f"{two[own].wall / two[tools].wall:.2f} of its wall time"),
        "",
        f"Wall time: **{two[own].wall / two[tools].wall:.2f}** (target 0.15);"
        f" peak memory: **{memory:.2f}** (target 0.50).",
    ]


def reading(vbc, wasm, folder, rounds):
    pairs = {
        ("hotvm dis", "wasm-tools print"): (
            [HOTVM, "dis", vbc, "-o", folder / "back.vasm"],
            [WASM_TOOLS, "print", wasm, "-o", folder / "back.wat"],
        ),
        ("hotvm check", "wasm-tools validate"): ([HOTVM, "check", vbc], [WASM_TOOLS, "validate", wasm]),
    }
    rows = ["Bytecode of the same program, on one processor:", "", *HEAD]
    for names, commands in pairs.items():
        ours, theirs = compare(dict(zip(names, commands)), rounds, on_one_processor).values()
        rows += [row(names[0], ours, ""), row(names[1], theirs, f"**{ours.cpu / theirs.cpu:.2f}** of its time (target 1.00)")]
    return rows


def linearity(folder, rounds):
    sizes = {f"{size:,}": (round(size / LINES_OF_A_FUNCTION), REPEATS) for size in SIZES}
    sizes[f"{ONE_FUNCTION:,} in one function"] = (1, ONE_FUNCTION // 4)
    texts = {name: write(folder / f"{i}.vasm", vasm(*size)) for i, (name, size) in enumerate(sizes.items())}
    least = write(folder / "least.vasm", ["HALT\n"])
    asm = lambda text: [HOTVM, "asm", text, "-o", folder / "out.vbc"]
    costs = compare({name: asm(text) for name, text in {"": least, **texts}.items()}, rounds, on_one_processor)
    start = costs.pop("").cpu
    rows = [f"How it grows, on one processor; starting, {start * 1000:.1f} ms, is taken off:", ""]
    rows += ["| lines | processor time | a line | peak memory |", "|--:|--:|--:|--:|"]
    for name, cost in costs.items():
        functions, repeats = sizes[name]
        a_line = (cost.cpu - start) / (functions * (4 * repeats + 4) + 1)
        rows.append(f"| {name} | {cost.cpu - start:.3f} s | {a_line * 1e9:.0f} ns | {cost.memory:.0f} MB |")
    return rows


def measured(folder, rounds):
    """All tables, as text."""
    text, wat_text = write(folder / "program.vasm", vasm()), write(folder / "program.wat", wat())
    vbc, wasm = folder / "program.vbc", folder / "program.wasm"
    lines = FUNCTIONS * LINES_OF_A_FUNCTION + 1
    rows = [
        f"{lines:,} lines, {FUNCTIONS:,} functions; {rounds} rounds, medians. hotvm also proves the program;",
        "wat2wasm validates, `wasm-tools parse` does not. Processor time is user and system. The results are",
        "compared, instruction by instruction.",
        "",
        *assembling(text, wat_text, vbc, wasm, rounds),
        "",
        *reading(vbc, wasm, folder, rounds),
        "",
        *linearity(folder, rounds),
    ]
    return "\n".join(rows)
