// Performance tips, each with what it saves, counted.
//
// Prints:
//   prefetch: 4 of 4 files were mapped before anybody asked
//   one cache for all: 4 files mapped for two resolvers
//   written back together: 1 file replaced once for 10 functions
//   the next process: 0 compiled, 10 from the file
//   bound once: true
//   many at once: 3 functions compiled for 8 requests
import { statSync } from 'node:fs';
import { JitInstantiator } from '@simple-jit/jit-instantiator';
import { SmfCache } from '@simple-jit/smf-cache';
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { writeLibrary } from './temporary-library.js';

const paths = ['a', 'b', 'c', 'd'].map((name) => writeLibrary(`${name}.smf`));
const SUMS = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64'].map((type) => `fn$sum$${type}`);

// Prefetch the files that you will need: they are mapped, and read ahead in the background.
const cache = new SmfCache();
await cache.prefetchAsync(paths, { concurrency: 2 });
console.log(
  `prefetch: ${paths.filter((path) => cache.isCached(path)).length} of 4 files were mapped before anybody asked`,
);

// Share one cache: a file is mapped once, whoever loads it.
const resolvers = [new JitSymbolResolver({ cache }), new JitSymbolResolver({ cache })];
for (const resolver of resolvers) for (const path of paths) resolver.loadSmf(path);
console.log(`one cache for all: ${cache.getStats().cacheMisses} files mapped for two resolvers`);
for (const resolver of resolvers) resolver.close();

// Let results collect: flush() replaces each file once, however many functions wait.
const [path] = paths;
const jit = new JitInstantiator({ cache });
jit.loadSmfMetadata(path);
const before = statSync(path).ino;
for (const symbol of SUMS) jit.tryJitInstantiate(symbol);
const isUntouched = statSync(path).ino === before;
jit.flush();
const files = isUntouched && statSync(path).ino !== before ? 1 : '?';
console.log(`written back together: ${files} file replaced once for ${jit.stats().compileCount} functions`);
jit.close();

// Ship files with their code in them: what was compiled once is only checked and linked.
const next = new JitSymbolResolver({ cache });
next.loadSmf(path);
for (const symbol of SUMS) next.resolve(symbol);
console.log(`the next process: ${next.jit.stats().compileCount} compiled, ${next.jit.stats().persisted} from the file`);

// Bind once, call often: a callable costs a hundred times what a call costs.
const sum = next.resolveFunction('fn$sum$f64');
console.log(`bound once: ${next.resolveFunction('fn$sum$f64') === sum}`);
next.close();

// Large instantiations in slices leave the event loop its turns; requests at the same time share their work.
const sliced = new JitInstantiator({ cache, updateSmf: false });
sliced.loadSmfMetadata(paths[1]);
await Promise.all(Array.from({ length: 8 }, () => sliced.instantiateAsync('fn$median$f64')));
console.log(`many at once: ${sliced.stats().compileCount} functions compiled for 8 requests`);
sliced.close();
cache.close();
