// Pattern 4: executable memory by hand. Machine code is written into memory that is writable and not executable, which
// then becomes executable and not writable: never both. What it does is up to the bytes: x86-64 here.
//
// Prints:
//   the code returns 42
//   still writable: false, executable: true
//   writing to it now: EACCES
import {
  allocRwMemory,
  callFunction0,
  freeExecMemory,
  getFunctionPointer,
  getProtection,
  isExecutable,
  makeExecutable,
  PROT_WRITE,
  pageSize,
  writeExecMemory,
} from '@simple-jit/native-mem';

const CODE = Uint8Array.of(0x48, 0xc7, 0xc0, 0x2a, 0, 0, 0, 0xc3); // mov rax, 42; ret

const size = pageSize();
const address = allocRwMemory(size);
writeExecMemory(address, CODE);
makeExecutable(address, size);
console.log(`the code returns ${callFunction0(getFunctionPointer(address))}`);

const isWritable = (getProtection(address) & PROT_WRITE) !== 0;
console.log(`still writable: ${isWritable}, executable: ${isExecutable(address)}`);
try {
  writeExecMemory(address, CODE);
} catch (error) {
  console.log(`writing to it now: ${error.code}`);
}
freeExecMemory(address, size);
