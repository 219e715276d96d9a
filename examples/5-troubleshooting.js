// Pattern 5: what goes wrong, and how each case says what to do.
//
// Prints:
//   a missing file: ENOENT
//     ENOENT: No such file or directory, open '…/missing.smf'. Check the path; relative paths start at process.cwd().
//   a file without read permission: EACCES
//     EACCES: Permission denied, open '…/collections.smf'. Give this user permission to the file (and to the folders above it).
//   a symbol that no file lists: ERR_UNRESOLVED
//     fn$reverse$f64 could not be resolved: no loaded module has it: load the SMF file that defines or lists it
//   executable memory refused: ENOMEM
//     ENOMEM: Cannot allocate memory, mmap. No address range of 1073741824 bytes is free: pass a smaller `reserve`, or raise ulimit -v.
//   with mode 'auto': interpreted, 6
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { JitInstantiator } from '@simple-jit/jit-instantiator';
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { folder, writeLibrary } from './temporary-library.js';

const path = writeLibrary();

if (process.argv[2] === 'refused') {
  // A process that may not have executable memory (see below): `auto` interprets instead.
  report('executable memory refused', () => new JitInstantiator());
  const resolver = new JitSymbolResolver({ mode: 'auto', updateSmf: false });
  resolver.loadSmf(path);
  const sum = resolver.resolveFunction('fn$sum$f64');
  console.log(`with mode 'auto': ${resolver.jit.explain('fn$sum$f64').kind}, ${sum(new Float64Array([1, 2, 3]), 3n)}`);
  resolver.close();
} else {
  const resolver = new JitSymbolResolver();
  report('a missing file', () => resolver.loadSmf(`${folder}/missing.smf`));

  chmodSync(path, 0);
  // Root may read everything, so an example that runs as root becomes nobody for a moment.
  const isRoot = process.geteuid() === 0;
  if (isRoot) process.seteuid(65534);
  report('a file without read permission', () => resolver.loadSmf(path));
  if (isRoot) process.seteuid(0);
  chmodSync(path, 0o644);

  resolver.loadSmf(path);
  report('a symbol that no file lists', () => resolver.resolveFunction('fn$reverse$f64'));
  resolver.close();

  // Linux: address space for Node, but too little for the arena of 1 GiB.
  const limited = 'ulimit -v 1900000 && exec "$0" "$1" refused';
  process.stdout.write(execFileSync('bash', ['-c', limited, process.execPath, fileURLToPath(import.meta.url)]));
}

function report(what, action) {
  try {
    action();
    console.log(`${what}: nothing happened`);
  } catch (error) {
    console.log(`${what}: ${error.code}`);
    console.log(`  ${error.message.replaceAll(folder, '…')}`);
  }
}
