// The expectation files: where they are, and how `print:` lines are brought up to date.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printed } from './check.js';
import { readDirectives } from './directives.js';

export const FOLDER = fileURLToPath(new URL('../files/', import.meta.url));

/** Paths below `files/`, as `aggregates/layout-pair.tir`. */
export function listFiles(): readonly string[] {
  const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.tir')).sort();
}

export function readFile(name: string): string {
  return readFileSync(join(FOLDER, name), 'utf8');
}

/** The text with what `print:` shows now under each of them. */
export function bless(text: string): string {
  const prints = readDirectives(text).directives.filter((directive) => directive.kind === 'print');
  if (prints.length === 0) return text;
  const lines = text.split('\n');
  const shown = printed(text);
  for (let i = prints.length - 1; i >= 0; i--) {
    const quoted = shown[i]!.map((line) => (line === '' ? '// |' : `// | ${line}`));
    lines.splice(prints[i]!.line, prints[i]!.expected.length, ...quoted);
  }
  return lines.join('\n');
}
