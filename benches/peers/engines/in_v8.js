// Runs a benchmark as WebAssembly in node: prints its result, and the processor seconds of compiling and running.
const start = process.cpuUsage();
const program = new WebAssembly.Module(require("fs").readFileSync(process.argv[2]));
const { run } = new WebAssembly.Instance(program).exports;
const result = run(BigInt(process.argv[3]));
const { user, system } = process.cpuUsage(start);
console.log(`${result} ${(user + system) / 1e6}`);
