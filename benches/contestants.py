"""Who takes part in the comparison of engines: installs them, builds the programs, gives the commands.

The sources are in benches/peers/engines. What is built goes to `target/peers/engines`.
"""

import os
import re
import shutil
import subprocess
import sys

from measure import PEERS, ROOT

SOURCES = ROOT / "benches/peers/engines"
BUILT = PEERS / "engines"
WASMI = PEERS / "bin/wasmi"
PYTHON = PEERS / "python"
DEBIAN = {"gcc": "gcc", "clang": "clang", "wasm-ld": "lld", "lua5.4": "lua5.4", "luajit": "luajit"}
WASM = "--target=wasm32 -O2 -ffreestanding -mbulk-memory -nostdlib -Wl,--no-entry -Wl,--export=run".split()
ENGINES = ("interp", "jit", "auto")


def shell(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def install():
    missing = [package for tool, package in DEBIAN.items() if shutil.which(tool) is None]
    if missing:
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], check=True)
    if not WASMI.exists():
        subprocess.run(["cargo", "install", "wasmi_cli@^2", "--locked", "--root", PEERS], check=True)
    if not (PYTHON / "wasmtime").exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--root-user-action=ignore", "--target", PYTHON]
        subprocess.run([*pip, "wasmtime"], check=True)


def versions():
    first = lambda *command: re.search(r"\d+\.\d[\w.-]*", shell(*command))[0]
    wasmtime = next(PYTHON.glob("wasmtime-*.dist-info")).name.split("-")[1].removesuffix(".dist")
    named = [
        f"gcc {first('gcc', '-dumpfullversion')}", f"wasmtime {wasmtime}", f"clang {first('clang', '--version')}",
        f"wasmi {first(WASMI, '--version')}", f"LuaJIT {first('luajit', '-v')}", f"Lua {first('lua5.4', '-v')}",
    ]
    if shutil.which("node"):
        named.append(f"V8 {shell('node', '-p', 'process.versions.v8').strip()}")
    return ", ".join(named)


def build(programs):
    """Makes the C programs native and into WebAssembly, and the library that `nloop` calls."""
    BUILT.mkdir(parents=True, exist_ok=True)
    library = BUILT / "libmath_ops.so"
    include = ROOT / "native/include"
    shell("gcc", "-O2", "-g", "-shared", "-fPIC", "-I", include, ROOT / "native/math_ops.c", "-o", library)
    os.environ["MATH_OPS"] = str(library)
    os.environ["PYTHONPATH"] = str(PYTHON)
    for name in programs:
        shell("gcc", "-O2", SOURCES / f"{name}.c", SOURCES / "main.c", "-o", BUILT / name, "-lm", "-ldl")
        if name != "nloop":
            shell("clang", *WASM, SOURCES / f"{name}.c", "-o", BUILT / f"{name}.wasm")


def native(name, size):
    return [BUILT / name, size]


def wasmi(name, size):
    return [WASMI, "run", "--invoke", "run", BUILT / f"{name}.wasm", size]


def wasmtime(name, size):
    return [sys.executable, SOURCES / "in_wasmtime.py", BUILT / f"{name}.wasm", size]


def v8(name, size):
    return ["node", SOURCES / "in_v8.js", BUILT / f"{name}.wasm", size]


def lua(name, size):
    return ["lua5.4", SOURCES / f"{name}.lua", size]


def luajit(name, size):
    """Where LuaJIT needs other words than Lua 5.4, there is a file of its own."""
    own = SOURCES / f"{name}.luajit.lua"
    return ["luajit", own if own.exists() else SOURCES / f"{name}.lua", size]


def luajit_interpreted(name, size):
    command, *words = luajit(name, size)
    return [command, "-joff", *words]


class Hotvm:
    """A hotvm binary, and which engines it has."""

    def __init__(self, binary):
        self.binary = binary
        self.flags = {}
        if "--engine" not in shell(binary, "run", "--help"):
            self.flags["interp"] = []
            return
        for engine in ENGINES:
            flags = ["--engine", engine]
            refused = subprocess.run([binary, "run", *flags, ROOT / "asm-examples/hello.vasm"], capture_output=True)
            if refused.returncode == 0:
                self.flags[engine] = flags

    def command(self, engine, program, *flags):
        return [self.binary, "run", *self.flags[engine], *flags, program]

    def engine(self, engine, *flags):
        """What makes commands for programs, as those of the others do."""
        return lambda name, size: self.command(engine, self.program(name, size), *flags)

    @staticmethod
    def program(name, size):
        """Writes the program with this size."""
        text = (SOURCES / f"{name}.vasm").read_text()
        text = re.sub(r"(?m)^(\.global size: i64 = ).*", rf"\g<1>{size}", text)
        text = text.replace("../../../native/math_ops.c", "libmath_ops.so")
        path = BUILT / f"{name}-{size}.vasm"
        path.write_text(text)
        return path
