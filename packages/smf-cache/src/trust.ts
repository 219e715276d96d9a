// The trust rule (docs/architecture.md): native code from a file runs only if nobody but this user and root can have
// written it. Judged on the descriptor that was mapped, so the answer is about the very bytes that we hold.
import type { FileIdentity } from '@simple-jit/native-mem';

/** Whether native code of a file may run, and if not, why, as a sentence that says what to do. */
export type Trust = { readonly trusted: true } | { readonly trusted: false; readonly reason: string };

const GROUP_OR_OTHERS_WRITE = 0o022n;

/**
 * The trust rule: owned by this user or root, and writable by no one else.
 *
 * @param identity of the mapped file; undefined for bytes that came from no file, which are never trusted
 * @param user the effective user id to compare with; where the platform has none, no file is trusted
 * @example trustOf(cache.get('/usr/lib/simple/collections.smf').identity)
 */
export function trustOf(identity: FileIdentity | undefined, user = process.geteuid?.()): Trust {
  if (identity === undefined) return { trusted: false, reason: 'the bytes come from no file, so nobody owns them' };
  if (user === undefined) return { trusted: false, reason: 'this platform does not say who owns a file' };
  if (identity.uid !== BigInt(user) && identity.uid !== 0n) {
    return {
      trusted: false,
      reason: `owned by user ${identity.uid}, not by this user (${user}) or root: copy or chown it`,
    };
  }
  if ((identity.mode & GROUP_OR_OTHERS_WRITE) !== 0n) {
    const mode = (identity.mode & 0o7777n).toString(8).padStart(4, '0');
    return { trusted: false, reason: `writable by group or others (mode ${mode}): chmod go-w it` };
  }
  return { trusted: true };
}
