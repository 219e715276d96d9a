import { expect, test } from 'vitest';
import { trustOf } from './index.js';

const file = (uid: number, mode: number) => ({
  dev: 1n,
  ino: 2n,
  size: 3n,
  mtimeNs: 4n,
  mode: BigInt(mode),
  uid: BigInt(uid),
});

test.each([
  [1000, 0o100644, 1000],
  [0, 0o100755, 1000],
  [1000, 0o100600, 1000],
  [0, 0o100644, 0],
])('a file of user %i with mode %o is trusted by user %i', (uid, mode, user) => {
  expect(trustOf(file(uid, mode), user)).toEqual({ trusted: true });
});

test.each([
  [1001, 0o100644, 1000, /owned by user 1001/],
  [1000, 0o100644, 0, /owned by user 1000/],
  [1000, 0o100664, 1000, /mode 0664.*chmod go-w/],
  [1000, 0o100646, 1000, /mode 0646/],
  [0, 0o100666, 1000, /mode 0666/],
])('a file of user %i with mode %o is not trusted by user %i', (uid, mode, user, reason) => {
  expect(trustOf(file(uid, mode), user)).toEqual({ trusted: false, reason: expect.stringMatching(reason) });
});

test('bytes that come from no file are not trusted, nor is a file where no one owns files', () => {
  expect(trustOf(undefined)).toMatchObject({ trusted: false });
  expect(trustOf(file(0, 0o100644), undefined).trusted).toBe(process.geteuid?.() !== undefined);
});
