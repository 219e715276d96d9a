// Where machine code goes, or that it goes nowhere.
import { CodeArena, NativeMemError } from '@simple-jit/native-mem';
import type { JitInstantiatorConfig } from './config.js';

/** What the system says where it lets nobody have executable memory, or not the address space for it. */
const REFUSED: ReadonlySet<string> = new Set(['ERR_EXEC_MEMORY_REFUSED', 'ENOMEM']);

/** Undefined where the functions are to be interpreted. */
export function arenaFor({ mode, arena }: JitInstantiatorConfig): CodeArena | undefined {
  if (mode === 'interpret') return undefined;
  try {
    return arena ?? CodeArena.default();
  } catch (error) {
    if (mode === 'auto' && error instanceof NativeMemError && REFUSED.has(error.code)) return undefined;
    throw error;
  }
}
