// The independent disassembler that tests hold our bytes against: capstone. It ships without types.
import { createRequire } from 'node:module';

interface Instruction {
  readonly address: bigint;
  readonly size: number;
  readonly mnemonic: string;
  readonly op_str: string;
}

interface Capstone {
  disasm(code: Uint8Array, address: number): Instruction[];
  close(): void;
}

interface CapstoneModule {
  readonly ARCH_X86: number;
  readonly MODE_64: number;
  readonly Capstone: new (arch: number, mode: number) => Capstone;
}

const load = createRequire(import.meta.url)('@alexaltea/capstone-js') as () => Promise<CapstoneModule>;
const module = await load();
const capstone = new module.Capstone(module.ARCH_X86, module.MODE_64);

export interface DisassembledLine {
  readonly offset: number;
  readonly size: number;
  readonly text: string;
}

/** All of `code`; throws where bytes are no instruction. */
export function disassemble(code: Uint8Array, offset = 0): DisassembledLine[] {
  const lines = capstone.disasm(code, offset).map(({ address, size, mnemonic, op_str }) => ({
    offset: Number(address),
    size,
    text: `${mnemonic} ${op_str}`.trim(),
  }));
  const end = lines.reduce((sum, { size }) => sum + size, 0);
  if (end !== code.length)
    throw new Error(`no instruction at offset ${offset + end}: ${lines.at(-1)?.text ?? 'nothing'} before it`);
  return lines;
}
