import {
  decodeTemplate,
  encodeTemplate,
  parseModule,
  parseTypeList,
  specialise,
  verifyTemplate,
} from '../../src/index.js';

const { templates } = parseModule('module m\nfn double<T: Num>(x: T) -> T {\nentry:\n  y = add x, x\n  return y\n}\n');

// What an SMF file's TemplateCode entry holds (@simple-jit/smf-format writes and reads the file):
const { name, genericParams, body } = encodeTemplate(templates[0]!);

// In the process that loads it:
const template = decodeTemplate({ name, genericParams, body });
verifyTemplate(template); // a file can hold anything
const fn = specialise(template, parseTypeList('i32')); // for @simple-jit/codegen
console.log(body.length, fn.symbol); // 21 fn$double$i32
