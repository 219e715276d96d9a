// Pattern 3: reading a header straight from the mapping. The header of an SMF file is its last 128 bytes; a mapped file is
// read by address, without copying the rest. (SmfCache parses it for you: file.header.)
//
// Prints:
//   magic SMF, version 1.1
//   section count 3, the same as the parsed header's
import { mmapReadBytes } from '@simple-jit/native-mem';
import { SmfCache } from '@simple-jit/smf-cache';
import { writeLibrary } from './temporary-library.js';

const HEADER_SIZE = 128;
const cache = new SmfCache();
const file = cache.get(writeLibrary());

const header = mmapReadBytes(file.address, file.size - HEADER_SIZE, HEADER_SIZE);
const view = new DataView(header.buffer, header.byteOffset, HEADER_SIZE);
const magic = new TextDecoder().decode(header.subarray(0, 3));
console.log(`magic ${magic}, version ${view.getUint8(4)}.${view.getUint8(5)}`);

const sections = view.getUint32(16, true);
const isSame = sections === file.header.sectionCount;
console.log(`section count ${sections}, ${isSame ? 'the same as' : 'not'} the parsed header's`);
file.close();
cache.close();
