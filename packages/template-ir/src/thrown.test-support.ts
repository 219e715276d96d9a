// What an action throws, for tests that look at more than its message.
import { expect } from 'vitest';

/** The error of class `type` that `action` throws; fails the test if it throws another, or none. */
export function thrown<E extends Error>(type: abstract new (...args: never[]) => E, action: () => unknown): E {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(type);
    return error as E;
  }
  throw new Error(`no ${type.name} was thrown`);
}
