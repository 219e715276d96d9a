// Pattern 1: load-time JIT. A symbol is looked up in a table first, and the JIT is the fallback: it compiles what the loaded
// files list and nobody compiled. JitSymbolResolver does exactly that.
//
// Prints:
//   puts: from the table
//   fn$sum$f64: compiled by the JIT, sum([1, 2, 3]) = 6
//   fn$sum$f64 again: the same address, nothing compiled
//   fn$unknown: undefined
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { writeLibrary } from './temporary-library.js';

const resolver = new JitSymbolResolver();
resolver.register('puts', 0x1000n); // a symbol that the program brings
resolver.loadSmf(writeLibrary());

console.log(`puts: ${resolver.resolve('puts') === 0x1000n ? 'from the table' : '?'}`);

const address = resolver.resolve('fn$sum$f64');
const sum = resolver.resolveFunction('fn$sum$f64');
const how = resolver.jit.explain('fn$sum$f64').kind;
console.log(`fn$sum$f64: ${how} by the JIT, sum([1, 2, 3]) = ${sum(new Float64Array([1, 2, 3]), 3n)}`);

const { compileCount } = resolver.jit.stats();
const isSame = resolver.resolve('fn$sum$f64') === address && resolver.jit.stats().compileCount === compileCount;
console.log(`fn$sum$f64 again: ${isSame ? 'the same address, nothing compiled' : '?'}`);

console.log(`fn$unknown: ${resolver.resolve('fn$unknown')}`);
resolver.close();
