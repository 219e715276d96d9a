// Pattern 2: batch instantiation. Goes through everything that a file's note says is possible, and instantiates it now, so
// that nothing is compiled later. Write-back puts the results into the file: the next process compiles nothing.
//
// Prints:
//   82 possible, 82 instantiated, 0 failed
//   next time: 82 from the file, 0 compiled
import { isSuccess, JitInstantiator } from '@simple-jit/jit-instantiator';
import { SmfCache } from '@simple-jit/smf-cache';
import { writeLibrary } from './temporary-library.js';

const path = writeLibrary();
const cache = new SmfCache();
const file = cache.get(path);
const symbols = file.readNoteSdn().possible.map(({ mangledName }) => mangledName);
file.close();

const jit = new JitInstantiator({ cache });
jit.loadSmfMetadata(path);
const results = symbols.map((symbol) => jit.tryJitInstantiate(symbol));
const done = results.filter(isSuccess).length;
console.log(`${symbols.length} possible, ${done} instantiated, ${results.length - done} failed`);
jit.close(); // writes them into the file, at once: one new file, not sixty

const again = new JitInstantiator({ cache });
again.loadSmfMetadata(path);
for (const symbol of symbols) again.tryJitInstantiate(symbol);
const { persisted, compileCount } = again.stats();
console.log(`next time: ${persisted} from the file, ${compileCount} compiled`);
again.close();
cache.close();
