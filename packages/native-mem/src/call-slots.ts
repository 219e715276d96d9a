// Memory shared with the addon, through which numbers pass cheaper than as arguments and results of Node-API.
import { binding } from './binding.js';

// Where things are, in words of 8 bytes: see CallSlots in native/binding/env_state.h.
export const RESULT = 0;
/** The life of the code to call: a double whose bits mean something to the addon. */
export const LIFE = 1;
/** The address of the code to call, a number. */
export const TARGET = 2;
/** 255 arguments. The addon also leaves here what a function other than a bound one has to say. */
export const VALUES = 3;

const buffer = binding.callSlots();

/** One view per way to read or write a slot; all over the same memory. */
export const views = {
  i8: new Int8Array(buffer),
  u8: new Uint8Array(buffer),
  i16: new Int16Array(buffer),
  u16: new Uint16Array(buffer),
  i32: new Int32Array(buffer),
  u32: new Uint32Array(buffer),
  f32: new Float32Array(buffer),
  f64: new Float64Array(buffer),
  i64: new BigInt64Array(buffer),
  u64: new BigUint64Array(buffer),
};
export type SlotViews = typeof views;
