import {
  environmentOf,
  instances,
  interpret,
  LinearMemory,
  layoutOf,
  parseModule,
  parseType,
  verifyModule,
} from '../../src/index.js';

const module = parseModule(`
module pairs

struct Pair<A: Any, B: Any> {
  a: A
  b: B
}

fn swap<A: Any, B: Any>(p: Pair<A, B>) -> Pair<B, A> {
entry:
  from = slot Pair<A, B>
  to = slot Pair<B, A>
  store from, p
  from_a = field from, a
  from_b = field from, b
  to_a = field to, a
  to_b = field to, b
  copy to_a, from_b, 1
  copy to_b, from_a, 1
  result = load to
  return result
}
`);
verifyModule(module);
console.log(layoutOf(parseType('Pair<u8, f64>'), environmentOf(module.types)).size); // 16

// An aggregate is passed by address; a result of one goes to the address in the first parameter.
const swap = instances(module)({ template: 'swap', typeArgs: [parseType('i32'), parseType('i32')] });
const memory = new LinearMemory();
const pair = new Int32Array([1, 2]);
const swapped = new Int32Array(2);
interpret(swap, [memory.map(swapped), memory.map(pair)], { memory });
console.log(swap.symbol, [...swapped]); // fn$swap$i32$i32 [ 2, 1 ]
