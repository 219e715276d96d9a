import { type InterpretOptions, instances, interpret, LinearMemory, parseModule } from '../../src/index.js';

const module = parseModule(`
module files

fn count(path: ptr<u8>) -> i64 {
entry:
  n: u64 = extern strlen(path)
  last: i64 = convert n
  return last
}
fn apply(f: fn(ptr<u8>) -> i64, x: ptr<u8>) -> i64 {
entry:
  r = invoke f(x)
  return r
}
fn main(path: ptr<u8>) -> i64 {
entry:
  f = fnaddr count
  r = call apply(f, path)
  return r
}
`);

const call = instances(module);
const memory = new LinearMemory();
const path = memory.map(new TextEncoder().encode('/etc/hosts\0'));
const externs: InterpretOptions['externs'] = {
  strlen: ([text], all) => BigInt(all.readBytes(text as bigint, 11)!.indexOf(0)),
};

console.log(interpret(call({ template: 'main', typeArgs: [] }), [path], { memory, call, externs, maxSteps: 1_000 })); // 10n
