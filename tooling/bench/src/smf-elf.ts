// An ELF64 relocatable object with as many symbols as asked for: what an ELF parser is given to read the same facts from.

const SECTION_HEADER = 64;
const SYMBOL = 24;

/** Sections: null, .text, .symtab, .strtab, .shstrtab. Symbol `i` is a global function at `16 * i` in .text. */
export function elfObject(names: readonly string[], textSize: number): Buffer {
  const sectionNames = Buffer.from('\0.text\0.symtab\0.strtab\0.shstrtab\0');
  const strings = Buffer.from(`\0${names.join('\0')}\0`);
  const textAt = 64;
  const symbolsAt = textAt + textSize;
  const stringsAt = symbolsAt + SYMBOL * (names.length + 1);
  const sectionNamesAt = stringsAt + strings.length;
  const headersAt = Math.ceil((sectionNamesAt + sectionNames.length) / 8) * 8;
  const file = Buffer.alloc(headersAt + 5 * SECTION_HEADER);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian
  file.writeUInt16LE(1, 16); // ET_REL
  file.writeUInt16LE(62, 18); // EM_X86_64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(headersAt), 40);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(SECTION_HEADER, 58);
  file.writeUInt16LE(5, 60);
  file.writeUInt16LE(4, 62);
  let nameAt = 1;
  names.forEach((name, i) => {
    const at = symbolsAt + SYMBOL * (i + 1);
    file.writeUInt32LE(nameAt, at);
    file[at + 4] = 0x12; // STB_GLOBAL, STT_FUNC
    file.writeUInt16LE(1, at + 6);
    file.writeBigUInt64LE(BigInt(16 * i), at + 8);
    file.writeBigUInt64LE(16n, at + 16);
    nameAt += Buffer.byteLength(name) + 1;
  });
  strings.copy(file, stringsAt);
  sectionNames.copy(file, sectionNamesAt);
  const header = (
    index: number,
    name: number,
    type: number,
    offset: number,
    size: number,
    link: number,
    entry: number,
  ) => {
    const at = headersAt + index * SECTION_HEADER;
    file.writeUInt32LE(name, at);
    file.writeUInt32LE(type, at + 4);
    file.writeBigUInt64LE(BigInt(offset), at + 24);
    file.writeBigUInt64LE(BigInt(size), at + 32);
    file.writeUInt32LE(link, at + 40);
    file.writeUInt32LE(1, at + 44);
    file.writeBigUInt64LE(8n, at + 48);
    file.writeBigUInt64LE(BigInt(entry), at + 56);
  };
  header(1, 1, 1, textAt, textSize, 0, 0);
  header(2, 7, 2, symbolsAt, SYMBOL * (names.length + 1), 3, SYMBOL);
  header(3, 15, 3, stringsAt, strings.length, 0, 0);
  header(4, 23, 3, sectionNamesAt, sectionNames.length, 0, 0);
  return file;
}
