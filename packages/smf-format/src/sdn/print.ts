// The SDN printer: the inverse of parseSdn.
import { SmfFormatError } from '../errors.js';
import { isBareKey, isBareString, isSdnInteger } from './scalars.js';
import { type SdnDict, SdnTable, type SdnValue } from './value.js';

const INDENT = '    ';

/**
 * Prints a value so that `parseSdn` gives it back: a Map as statements, an array as `- item` lines, anything else inline.
 * Numbers print as floats, bigints as integers. Tables may stand as values of Maps, not inside arrays.
 *
 * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT for what SDN cannot say: NaN, infinities, integers beyond 64 bits, a
 * table inside an array, a row of the wrong width
 * @example
 * stringifySdn(new Map([['name', 'demo']])) // 'name: demo\n'
 */
export function stringifySdn(value: SdnValue): string {
  if (isDict(value)) return statements(value, '');
  if (Array.isArray(value) && value.length > 0) return value.map((item) => `- ${inlineSdn(item)}\n`).join('');
  return `${inlineSdn(value)}\n`;
}

function statements(dict: SdnDict, indent: string): string {
  let text = '';
  for (const [key, value] of dict) text += statement(key, value, indent);
  return text;
}

/** One `key: value` statement with its line end, at an indentation. */
export function statement(key: string, value: SdnValue, indent: string): string {
  const name = `${indent}${sdnKey(key)}`;
  if (value instanceof SdnTable) return table(name, value, indent + INDENT);
  if (isDict(value)) {
    return value.size === 0 ? `${name} = {}\n` : `${name}:\n${statements(value, indent + INDENT)}`;
  }
  if (Array.isArray(value)) return `${name} = ${inlineSdn(value)}\n`;
  return `${name}: ${inlineSdn(value)}\n`;
}

function table(name: string, value: SdnTable, indent: string): string {
  const width = (value.fields ?? value.types ?? []).length;
  if (width === 0) throw invalid('a table without columns');
  const header = value.fields
    ? `${name} |${value.fields.map(sdnKey).join(', ')}|`
    : `${name}: table{${(value.types as readonly string[]).map(typeName).join(', ')}}`;
  let text = `${header}\n`;
  for (const row of value.rows) {
    if (row.length !== width) throw invalid(`a row of ${row.length} values in a table of ${width} columns`);
    text += `${indent}${row.map(inlineSdn).join(', ')}\n`;
  }
  return text;
}

/** A value on one line. */
export function inlineSdn(value: SdnValue): string {
  switch (typeof value) {
    case 'boolean':
      return String(value);
    case 'bigint':
      if (!isSdnInteger(value)) throw invalid(`an integer beyond 64 bits: ${value}`);
      return value.toString();
    case 'number':
      return float(value);
    case 'string':
      return isBareString(value) ? value : quoteSdn(value);
    default:
      break;
  }
  if (value === null) return 'null';
  if (value instanceof SdnTable) throw invalid('a table inside an array or an inline dictionary');
  if (isDict(value)) {
    return `{${Array.from(value, ([key, item]) => `${sdnKey(key)}: ${inlineSdn(item)}`).join(', ')}}`;
  }
  return `[${(value as readonly SdnValue[]).map(inlineSdn).join(', ')}]`;
}

function float(value: number): string {
  if (!Number.isFinite(value)) throw invalid(`${value}: SDN has finite floats only`);
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** A string in quotes, whatever it holds. */
export function quoteSdn(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}

const sdnKey = (key: string): string => (isBareKey(key) ? key : quoteSdn(key));

function typeName(type: string): string {
  if (!isBareString(type)) throw invalid(`the column type ${quoteSdn(type)}`);
  return type;
}

const isDict = (value: SdnValue): value is SdnDict => value instanceof Map;

const invalid = (what: string): SmfFormatError =>
  new SmfFormatError('ERR_SMF_INVALID_ARGUMENT', `cannot print ${what}`, { structure: 'SDN value' });
