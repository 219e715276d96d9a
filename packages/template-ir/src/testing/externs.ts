// C functions for random programs and for tests: what the process has under these symbols, in JavaScript over the
// interpreter's memory. Only such whose results C defines exactly.
import type { ExternFunction } from '../interpret/interpret.js';
import type { LinearMemory } from '../interpret/memory.js';
import { ptr, scalar } from '../types.js';
import type { LeafPlan } from './plan.js';
import { I64, type StraightLine } from './straight-line.js';

const [I32, U8, U64, F64] = [scalar('i32'), scalar('u8'), scalar('u64'), scalar('f64')];

/**
 * `malloc`, `calloc`, `free`, `memcpy`, `memcmp`, `strlen`, `labs`, `toupper`, `fmax` and `floor` for interpreted code.
 * Allocations are regions of `memory`: an access beyond one, or after its `free`, traps.
 *
 * ```ts
 * const memory = new LinearMemory();
 * interpret(push, [0n, 5n], { memory, externs: guestLibrary(memory) });
 * ```
 */
export function guestLibrary(memory: LinearMemory): Readonly<Record<string, ExternFunction>> {
  const allocated = new Set<bigint>();
  const allocate = (size: bigint): bigint => {
    if (size > MAX_ALLOCATION) return 0n;
    const address = memory.map(new Uint8Array(Number(size)));
    allocated.add(address);
    return address;
  };
  return {
    malloc: ([size]) => allocate(size as bigint),
    calloc: ([count, size]) => allocate((count as bigint) * (size as bigint)),
    free: ([address]) => {
      if (address === 0n) return undefined;
      if (!allocated.delete(address as bigint)) throw new RangeError(`free of ${address}, which malloc did not give`);
      memory.unmap(address as bigint);
      return undefined;
    },
    memcpy: ([to, from, length], all) => {
      const bytes = all.readBytes(from as bigint, Number(length));
      if (bytes === undefined || !all.writeBytes(to as bigint, bytes)) throw new RangeError('memcpy outside of memory');
      return to;
    },
    memcmp: ([left, right, length], all) => {
      const [a, b] = [left, right].map((address) => all.readBytes(address as bigint, Number(length)));
      if (a === undefined || b === undefined) throw new RangeError('memcmp outside of memory');
      const i = a.findIndex((byte, k) => byte !== b[k]);
      return i < 0 ? 0n : BigInt(Math.sign(a[i]! - b[i]!));
    },
    strlen: ([address], all) => {
      for (let length = 0n; ; length++) {
        const byte = all.load((address as bigint) + length, U8);
        if (byte === undefined) throw new RangeError('strlen outside of memory');
        if (byte === 0n) return length;
      }
    },
    labs: ([value]) => BigInt.asIntN(64, (value as bigint) < 0n ? -(value as bigint) : (value as bigint)),
    toupper: ([c]) => ((c as bigint) >= 97n && (c as bigint) <= 122n ? (c as bigint) - 32n : c!),
    fmod: ([a, b]) => (a as number) % (b as number),
    floor: ([a]) => Math.floor(a as number),
  };
}

/** More than that, `malloc` refuses. */
const MAX_ALLOCATION = 1n << 28n;

/** A call of one of them that C defines: the same wherever memory lies. */
export function callExtern(line: StraightLine, plan: LeafPlan): void {
  const { builder } = line;
  switch (plan.op % 6) {
    case 0: // the least integer has no absolute value
      line.add(builder.extern(I64, 'labs', [builder.binary('shr', line.pick(I64, plan.a), builder.const(I64, 1n))]));
      return;
    case 1:
      line.add(
        builder.extern(I32, 'toupper', [builder.binary('and', line.pick(I32, plan.a), builder.const(I32, 127n))]),
      );
      return;
    case 2:
      line.add(builder.extern(F64, 'fmod', [line.pick(F64, plan.a), line.pick(F64, plan.b)]));
      return;
    case 3:
      line.add(builder.extern(F64, 'floor', [line.pick(F64, plan.a)]));
      return;
    case 4: {
      const [left, right] = [line.pick(ptr(U8), plan.a), line.pick(ptr(U8), plan.b)];
      const order = builder.extern(I32, 'memcmp', [left, right, builder.const(U64, 3n)]);
      line.add(builder.compare('lt', order, builder.const(I32, 0n))); // only the sign is defined
      return;
    }
    default: {
      const type = line.usedType(plan.type);
      const bytes = builder.convert(U64, builder.sizeof(type));
      const address = builder.extern(ptr(type), 'malloc', [bytes]);
      builder.store(address, line.pick(type, plan.a));
      line.add(builder.load(address));
      builder.externVoid('free', [address]);
    }
  }
}
