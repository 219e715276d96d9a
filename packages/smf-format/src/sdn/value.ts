// What SDN text means, as plain values, and as a tree that remembers where each value stands in the text.

/**
 * A value of Simple Data Notation. Integers are bigint (64 bits, exact), floats are number, dictionaries are Maps in the
 * order of the text.
 */
export type SdnValue = null | boolean | bigint | number | string | readonly SdnValue[] | SdnDict | SdnTable;
export type SdnDict = ReadonlyMap<string, SdnValue>;

/** A table: named columns (`|a, b|`) or typed ones (`table{i32, i32}`). Every row is as wide as the header. */
export class SdnTable {
  /**
   * @param fields column names; undefined for a typed table
   * @param types column types; undefined for a named table
   */
  constructor(
    readonly fields: readonly string[] | undefined,
    readonly types: readonly string[] | undefined,
    readonly rows: readonly (readonly SdnValue[])[],
  ) {}
}

/** Where a node stands in its text: offsets in UTF-16 code units, `end` exclusive. */
export interface SdnSpan {
  readonly start: number;
  readonly end: number;
}

export type SdnScalar = null | boolean | bigint | number | string;
export interface SdnScalarNode extends SdnSpan {
  readonly kind: 'scalar';
  readonly value: SdnScalar;
}
export interface SdnArrayNode extends SdnSpan {
  readonly kind: 'array';
  readonly items: readonly SdnNode[];
  /** Written as `[…]`; else an indented block, one item a line. */
  readonly inline: boolean;
}
export interface SdnEntry extends SdnSpan {
  readonly key: string;
  readonly value: SdnNode;
}
export interface SdnDictNode extends SdnSpan {
  readonly kind: 'dict';
  readonly entries: readonly SdnEntry[];
  /** Written as `{…}`; else one statement a line. */
  readonly inline: boolean;
}
export interface SdnTableNode extends SdnSpan {
  readonly kind: 'table';
  readonly fields: readonly string[] | undefined;
  readonly types: readonly string[] | undefined;
  readonly rows: readonly (readonly SdnNode[])[];
  /** After the `|` or `}` that ends the header. */
  readonly headerEnd: number;
}
export type SdnNode = SdnScalarNode | SdnArrayNode | SdnDictNode | SdnTableNode;

/** The plain value of a node. */
export function plainValue(node: SdnNode): SdnValue {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'array':
      return node.items.map(plainValue);
    case 'dict':
      return new Map(node.entries.map((entry) => [entry.key, plainValue(entry.value)]));
    case 'table':
      return new SdnTable(
        node.fields,
        node.types,
        node.rows.map((row) => row.map(plainValue)),
      );
  }
}
