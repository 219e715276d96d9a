// Hot reload: a library changes while the program runs. Loading it again puts the new templates under the running code.
//
// Prints:
//   price(100) = 119
//   after the reload: price(100) = 107
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';
import { writeLibrary } from './temporary-library.js';

const source = (percent) => `
module prices
fn tax<T: Num>(net: T) -> T {
entry:
  all = mul net, ${percent}
  tax = div all, 100
  return tax
}
fn price<T: Num>(net: T) -> T {
entry:
  tax = call tax<T>(net)
  gross = add net, tax
  return gross
}
`;

const resolver = new JitSymbolResolver({ updateSmf: false });
resolver.loadSmf(writeLibrary('prices.smf', source(19)));
const price = resolver.resolveFunction('fn$price$i32');
console.log(`price(100) = ${price(100)}`);

resolver.loadSmf(writeLibrary('prices.smf', source(7)));
console.log(`after the reload: price(100) = ${price(100)}`); // the same function object
resolver.close();
