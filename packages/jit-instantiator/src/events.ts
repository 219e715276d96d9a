// What happens, for whoever subscribes: channels of node:diagnostics_channel. Without a subscriber an event costs a check.
import { channel } from 'node:diagnostics_channel';
import type { Outcome } from './outcome.js';

/** `simple-jit:load`: a module's metadata was loaded. */
export interface LoadEvent {
  readonly path: string;
  readonly durationMs: number;
}

/** `simple-jit:instantiate`: a symbol that was not installed was asked for, and how that ended. */
export interface InstantiateEvent {
  readonly symbol: string;
  readonly outcome: Outcome;
  /** What was installed for it, itself first; empty if it failed. */
  readonly functions: readonly {
    readonly symbol: string;
    readonly origin: 'compiled' | 'persisted' | 'interpreted';
    /** Of machine code. */
    readonly bytes: number;
  }[];
  readonly durationMs: number;
}

/** `simple-jit:write-back`: compiled functions were written, or could not be. */
export interface WriteBackEvent {
  /** The library. */
  readonly path: string;
  /** The file that was written: the library or its companion; undefined after an error. */
  readonly place: string | undefined;
  readonly symbols: readonly string[];
  readonly error: Error | undefined;
  readonly durationMs: number;
}

/** `simple-jit:drop`: installed functions were forgotten. */
export interface DropEvent {
  readonly symbols: readonly string[];
}

interface Events {
  readonly load: LoadEvent;
  readonly instantiate: InstantiateEvent;
  readonly 'write-back': WriteBackEvent;
  readonly drop: DropEvent;
}

const CHANNELS = {
  load: channel('simple-jit:load'),
  instantiate: channel('simple-jit:instantiate'),
  'write-back': channel('simple-jit:write-back'),
  drop: channel('simple-jit:drop'),
};

/** Publishes an event; `describe` is called only if someone listens. */
export function emit<Name extends keyof Events>(name: Name, describe: () => Events[Name]): void {
  if (CHANNELS[name].hasSubscribers) CHANNELS[name].publish(describe());
}
