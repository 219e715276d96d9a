// Another process that uses a library at the same time, and writes what it compiled into the same file.
// `node other-process.js <cache directory> <library>... -- <symbol>=<result for 3>...`
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { asArgument } from './library.js';

const [cacheDirectory, ...rest] = process.argv.slice(2);
const end = rest.indexOf('--');
const resolver = new JitSymbolResolver({ cacheDirectory: cacheDirectory! });
for (const library of rest.slice(0, end)) resolver.loadSmf(library);
for (const expectation of rest.slice(end + 1)) {
  const at = expectation.lastIndexOf('=');
  const [symbol, expected] = [expectation.slice(0, at), expectation.slice(at + 1)];
  const found = String((resolver.resolveFunction(symbol) as (x: unknown) => unknown)(asArgument(symbol, 3)));
  if (found !== expected) throw new Error(`${symbol}(3) is ${found} in another process, not ${expected}`);
}
resolver.close();
