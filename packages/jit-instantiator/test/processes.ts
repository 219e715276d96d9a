// Other processes that use the package as its users do: from dist, by name.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PACKAGE } from './support.js';

export interface Identity {
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** The user that owns nothing. */
export const NOBODY = { uid: 65534, gid: 65534 };

/**
 * The script's modules are loaded before it becomes another user, so that neither this Node nor this repository need be
 * readable to that user; proper-lockfile, too, which the package loads at its first write.
 */
const becoming = ({ uid, gid }: Identity): string =>
  uid === undefined
    ? ''
    : `import { createRequire as requireFrom } from 'node:module';
       requireFrom(import.meta.url)('proper-lockfile');
       if (process.getuid() === 0) { process.setgroups([]); process.setgid(${gid}); process.setuid(${uid}); }\n`;

function commandFor(script: string, args: readonly string[], identity: Identity) {
  return {
    args: ['--input-type=module', '--eval', becoming(identity) + script, '--', ...args],
    options: { cwd: PACKAGE, ...(identity.env && { env: identity.env }) },
  };
}

/** Runs a script to its end and reads the JSON that it prints. */
export function runScript(script: string, parameters: readonly string[], identity: Identity = {}): unknown {
  const { args, options } = commandFor(script, parameters, identity);
  return JSON.parse(execFileSync(process.execPath, args, options).toString());
}

/** A script that runs beside the test, and what it printed, line by line. */
export interface Beside {
  readonly child: ChildProcess;
  /** The next line; throws if the script ends before. */
  line(): Promise<string>;
  send(line: string): void;
  /** The exit code, or null after a signal. */
  readonly ended: Promise<number | null>;
}

export function startScript(script: string, parameters: readonly string[], identity: Identity = {}): Beside {
  const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
  const { args, options } = commandFor(script, parameters, identity);
  const child = spawn(process.execPath, args, { ...options, stdio });
  child.stdin.on('error', () => {}); // EPIPE once it was killed
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    ended: once(child, 'exit').then(([code]) => code as number | null),
    send: (line) => child.stdin.write(`${line}\n`),
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error('the script ended without printing another line');
      return value;
    },
  };
}
