// The TemplateCode section of a file being built, which takes one template after another. The buffer is our own and grows
// by doubling: adding many stays linear.
import { viewOf } from '../bytes.js';
import { SectionFlags } from '../definitions.js';
import { TEMPLATE_HEADER_SIZE } from '../read/templates.js';
import { encodeTemplate } from './encode.js';
import { invalidEdit as invalid } from './invalid.js';
import type { BuilderSection, TemplateInput } from './model.js';

const VERSION_AT = 4;
const COUNT_AT = 6;

export class TemplateCode {
  #buffer: Uint8Array | undefined;

  /**
   * Adds a template at the end of the section.
   *
   * @param index of the section
   * @returns where its entry begins, and how long it is
   * @throws SmfFormatError ERR_SMF_INVALID_ARGUMENT for a section that cannot grow, or a template that cannot be encoded
   */
  append(section: BuilderSection, index: number, template: TemplateInput): { offset: number; size: number } {
    const { data: old, flags } = section;
    const canGrow = (flags & SectionFlags.COMPRESSED) === 0 && old.length >= TEMPLATE_HEADER_SIZE;
    if (!canGrow || viewOf(old).getUint16(VERSION_AT, true) !== 2) {
      const hint = 'Only an uncompressed TemplateCode section of version 2 can grow: build the library again';
      throw invalid(`section ${index} (${section.name})`, 'templates cannot be added to it', hint);
    }
    const entry = encodeTemplate(template);
    section.data = this.#joined(old, entry);
    section.virtualSize = section.data.length;
    const view = viewOf(section.data);
    view.setUint32(COUNT_AT, view.getUint32(COUNT_AT, true) + 1, true);
    return { offset: old.length, size: entry.length };
  }

  #joined(old: Uint8Array, more: Uint8Array): Uint8Array {
    const length = old.length + more.length;
    if (this.#buffer === undefined || old.buffer !== this.#buffer.buffer || length > this.#buffer.length) {
      this.#buffer = new Uint8Array(Math.max(1024, 2 * length));
      this.#buffer.set(old);
    }
    this.#buffer.set(more, old.length);
    return this.#buffer.subarray(0, length);
  }
}
