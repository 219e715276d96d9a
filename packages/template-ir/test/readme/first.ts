import { instances, interpret, LinearMemory, parseModule, scalar, verifyModule } from '../../src/index.js';

const library = parseModule(`
module collections

fn sum<T: Num>(data: ptr<T>, n: i64) -> T {
entry:
  jump loop(0, 0)
loop(i: i64, total: T):
  more = lt i, n
  branch more, body, done
body:
  at = elem data, i
  x = load at
  next_total = add total, x
  next = add i, 1
  jump loop(next, next_total)
done:
  return total
}
`);
verifyModule(library); // as generic code: it holds for every T that is a number

const call = instances(library); // specialises on demand
const memory = new LinearMemory();
const data = memory.map(new Float64Array([1, 2, 3.5]));

const sum = call({ template: 'sum', typeArgs: [scalar('f64')] });
console.log(sum.symbol, interpret(sum, [data, 3n], { memory, call })); // fn$sum$f64 6.5
