// One process of the start-up benchmark: `node start-up.js compiled|persisted|plain|write <library>`.
const [, , mode, library] = process.argv;
const data = new Float64Array([1, 2, 3, 4]);

if (mode === 'plain') {
  let total = 0;
  for (const x of data) total += x;
  if (total !== 10) process.exit(1);
} else {
  const { JitSymbolResolver } = await import('@simple-jit/symbol-resolver');
  using resolver = new JitSymbolResolver({ updateSmf: mode === 'write' });
  resolver.loadSmf(library!);
  if (resolver.resolveFunction('fn$sum$f64')(data, 4n) !== 10) process.exit(1);
  if (mode !== 'write' && resolver.jit.stats().persisted !== (mode === 'persisted' ? 1 : 0)) process.exit(1);
}
