"""Runs a benchmark as WebAssembly in wasmtime: prints its result, and the processor seconds of compiling and running."""

import sys
import time

import wasmtime

start = time.process_time()
store = wasmtime.Store()
module = wasmtime.Module.from_file(store.engine, sys.argv[1])
run = wasmtime.Instance(store, module, []).exports(store)["run"]
result = run(store, int(sys.argv[2]))
print(result, time.process_time() - start)
