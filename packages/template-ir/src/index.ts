// Table of contents of the template IR.
export * from './ir.js';
export * from './types.js';
