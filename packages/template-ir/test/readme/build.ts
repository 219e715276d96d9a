import { FunctionBuilder, printFunction } from '../../src/index.js';

const f = new FunctionBuilder('clamp');
const T = f.typeParam('T', 'Ord');
const [x, low, high] = [f.param(T, 'x'), f.param(T, 'low'), f.param(T, 'high')];
f.setResult(T);
const raised = f.select(f.compare('lt', x, low), low, x, 'raised');
f.return(f.select(f.compare('gt', raised, high), high, raised));

console.log(printFunction(f.build()));
