// The part of @alexaltea/capstone-js that the demo uses; the package has no types of its own.
declare module '@alexaltea/capstone-js' {
  export interface Instruction {
    readonly address: bigint;
    readonly size: number;
    readonly mnemonic: string;
    readonly op_str: string;
  }
  export interface Capstone {
    disasm(code: Uint8Array, address: number | bigint): Instruction[];
    close(): void;
  }
  export interface CapstoneModule {
    readonly ARCH_X86: number;
    readonly MODE_64: number;
    readonly Capstone: new (arch: number, mode: number) => Capstone;
  }
  const load: () => Promise<CapstoneModule>;
  export default load;
}
