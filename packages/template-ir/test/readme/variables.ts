import { FunctionBuilder, interpret, scalar, specialise } from '../../src/index.js';

const i64 = scalar('i64');
const f = new FunctionBuilder('sum_to');
const n = f.param(i64, 'n');
f.setResult(i64);
const [loop, body, done] = [f.block('loop'), f.block('body'), f.block('done')];

const [i, total] = [f.variable(i64, 'i'), f.variable(i64, 'total')];
f.write(i, f.const(i64, 0n));
f.write(total, f.const(i64, 0n));
f.jump(loop);

f.switchTo(loop);
f.branch(f.compare('lt', f.read(i), n), body, [], done, []);

f.switchTo(body);
f.write(total, f.binary('add', f.read(total), f.read(i)));
f.write(i, f.binary('add', f.read(i), f.const(i64, 1n)));
f.jump(loop);
f.seal(loop); // no more edges to it: its parameters are settled

f.switchTo(done);
f.return(f.read(total));

console.log(interpret(specialise(f.build(), []), [10n])); // 45n
