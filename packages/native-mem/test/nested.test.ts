// Calls inside calls: our code calls C, which calls JavaScript, which calls our code again. Needs a C compiler for the C
// in between (the addon itself was built by one).
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScript, temporaryFolder } from './support.js';

const portable = process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT === 'portable';

const SOURCE = `
#include <node_api.h>
static napi_env env_;
static napi_ref function_;
// int64_t callback(void): calls the JavaScript function; -1 when it threw.
static int64_t callback(void) {
  napi_handle_scope scope;
  napi_value function, global, result;
  int64_t number = -1;
  napi_open_handle_scope(env_, &scope);
  napi_get_reference_value(env_, function_, &function);
  napi_get_global(env_, &global);
  if (napi_call_function(env_, global, function, 0, 0, &result) == napi_ok) napi_get_value_int64(env_, result, &number);
  napi_close_handle_scope(env_, scope);
  return number;
}
static napi_value set(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value function, address;
  napi_get_cb_info(env, info, &count, &function, 0, 0);
  env_ = env;
  napi_create_reference(env, function, 1, &function_);
  napi_create_bigint_uint64(env, (uint64_t)(uintptr_t)&callback, &address);
  return address;
}
NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "set", NAPI_AUTO_LENGTH, set, 0, &function);
  return function;
}`;

test.skipIf(portable)('a call from JavaScript that our code called is guarded on its own', ({ skip }) => {
  const folder = temporaryFolder();
  const file = join(folder, 'callback.node');
  writeFileSync(join(folder, 'callback.c'), SOURCE);
  const headers = createRequire(import.meta.url)('node-api-headers') as { include_dir: string };
  const compiler = spawnSync(
    'cc',
    ['-shared', '-fPIC', '-I', headers.include_dir, '-o', file, join(folder, 'callback.c')],
    {
      encoding: 'utf8',
      env: { ...process.env, LD_PRELOAD: '' },
    },
  );
  skip(compiler.error !== undefined, 'no C compiler (cc) here');
  expect(compiler.stderr).toBe('');
  const { stdout, stderr, status } = runScript(`
    import { createRequire } from 'node:module';
    const set = createRequire(import.meta.url)(${JSON.stringify(file)});
    const arena = nm.CodeArena.default();
    const withSlot = (name, at, slot) => arena.allocate(machineCode(name), {
      name,
      relocate: (copy, address) => new DataView(copy.buffer).setInt32(at, Number(slot.address - address - BigInt(at + 4)), true),
    });
    const slot = arena.allocateSlot();
    const outer = nm.bindFunction(withSlot('callSlot', 6, slot).address, { params: [], result: 'i64' });
    const divide = nm.bindFunction(install('divI32').address, { params: ['i32', 'i32'], result: 'i32' });
    const trap = nm.bindFunction(install('ud2').address, { params: [], result: 'void' });
    const temporary = install('return42');
    let depth = 0;
    slot.target = set(() => {
      depth++;
      if (depth === 1) temporary.close();
      if (depth < 50) return Number(outer()) + divide(10, 5);
      try { trap(); } catch (e) { console.log(e.kind, e.symbol, nm.execMemoryStats().pendingFrees); }
      return divide(84, 2);
    });
    console.log(outer(), depth, nm.execMemoryStats().pendingFrees);
    // What C does with an error of the function that it called is C's business: here it returns -1.
    slot.target = set(() => divide(1, 0));
    console.log(outer());
    console.log(divide(84, 2));`);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toBe('illegal-instruction ud2 1\n140n 50 0\n-1n\n42\n');
});
