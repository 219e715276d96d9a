// What one compile after another works with. A compile that begins within another one gets its own.
import { Scratch } from './scratch.js';
import { Assembler } from './x64/assembler.js';

export interface Workspace {
  readonly assembler: Assembler;
  /** For the function at hand. */
  readonly scratch: Scratch;
}

let spare: Workspace | undefined;

export function withWorkspace<T>(compile: (workspace: Workspace) => T): T {
  const workspace = spare ?? { assembler: new Assembler(), scratch: new Scratch() };
  spare = undefined;
  try {
    return compile(workspace);
  } finally {
    workspace.assembler.reset();
    workspace.scratch.release();
    spare = workspace;
  }
}
