// A process of its own: `node first.js ours|wasm` prints the milliseconds from loaded modules to the first result.
import { CodeArena } from '@simple-jit/native-mem';
import { compileAndCall, compileAndCallWasm, readTemplate } from './compile.js';

const template = readTemplate();
const start = performance.now();
if (process.argv[2] === 'wasm') compileAndCallWasm(0);
else compileAndCall(template, CodeArena.default());
console.log(performance.now() - start);
