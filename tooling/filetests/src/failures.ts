// What an `error:` directive expects: a typed error of one stage, with its code.
import { IrLinkError, IrSpecialiseError, IrSyntaxError, IrVerifyError } from '@simple-jit/template-ir';
import { DirectiveError, type ErrorDirective, type Stage } from './directives.js';

const CLASSES = {
  parse: IrSyntaxError,
  verify: IrVerifyError,
  specialise: IrSpecialiseError,
  link: IrLinkError,
} as const satisfies Record<Stage, unknown>;

/** Throws unless `run` throws the error of that stage and code. */
export function checkFailure({ stage, code, text }: ErrorDirective, run: () => void): void {
  const wanted = `${stage} ${code}`;
  try {
    run();
  } catch (error) {
    if (!(error instanceof CLASSES[stage])) throw error;
    if (error.code !== code) throw new DirectiveError(`expected ${wanted}, found ${describeError(error)}`);
    if (text !== undefined && !error.message.includes(text)) {
      throw new DirectiveError(`expected ${JSON.stringify(text)} in the message: ${error.message}`);
    }
    return;
  }
  throw new DirectiveError(`expected ${wanted}, but nothing is wrong`);
}

/** With the code, which not all messages contain; what is no error of ours comes with its stack. */
export function describeError(error: unknown): string {
  if (error instanceof DirectiveError) return error.message;
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${error.name} ${String(error.code)}: ${error.message}` : (error.stack ?? error.message);
}
