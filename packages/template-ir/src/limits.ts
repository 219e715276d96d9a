// All limits of the template IR in one place. The specification (docs/spec/template-ir.md, "Limits") lists the same numbers.

/** Characters in the name of a module, template, type parameter, value or block. */
export const MAX_NAME_LENGTH = 1024;

/** Type parameters of a template, and type arguments of a call (an SMF entry counts them in one byte). */
export const MAX_TYPE_PARAMS = 255;

/** Parameters of a function, and arguments of a call. Parameters of other blocks have no limit of their own. */
export const MAX_PARAMS = 255;

/** Levels of a type: `i64` has one, `ptr<i64>` two. */
export const MAX_TYPE_DEPTH = 64;

/** Types written in a type: `Pair<i64, ptr<i64>>` has four. (Levels alone do not bound it: `Pair<X, X>` doubles with each.) */
export const MAX_TYPE_PARTS = 1024;

/** Bytes of a type, elements of an array. */
export const MAX_TYPE_SIZE = 2 ** 31 - 1;

/** Fields of a struct or variant, variants of an enum. */
export const MAX_FIELDS = 65_535;

/** Structs and enums within one another by value. */
export const MAX_LAYOUT_DEPTH = 256;

/** Fields of all structs and enums whose layouts one function needs. */
export const MAX_LAYOUT_FIELDS = 2 ** 17;

/** Characters of the text that tells all layouts that one function depends on. */
export const MAX_LAYOUT_TEXT = 2 ** 24;

/** Bytes of all slots of a function. */
export const MAX_SLOT_BYTES = 2 ** 30;

/** Characters (UTF-16 units) of a text: reading one takes up to 80 bytes of memory for each. */
export const MAX_TEXT_LENGTH = 2 ** 25;

/** Characters of one number in the text form. */
export const MAX_LITERAL_LENGTH = 64;

/** An integer literal, whatever its type, is at least this … */
export const MIN_INTEGER_LITERAL = -(1n << 63n);

/** … and at most this. */
export const MAX_INTEGER_LITERAL = (1n << 64n) - 1n;

/** How many problems `diagnoseTemplate` and `diagnoseModule` collect before they stop. */
export const MAX_DIAGNOSTICS = 100;
