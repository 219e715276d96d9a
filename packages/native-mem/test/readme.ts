// The examples of README.md: every `js` block, and what it prints by its own `// …` comments after console.log.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './support.js';

export interface Example {
  /** The heading that it stands under. */
  readonly title: string;
  readonly source: string;
  /** The comments at the ends of its console.log lines. */
  readonly expected: string;
}

export function readmeExamples(): Example[] {
  const text = readFileSync(join(packageRoot, 'README.md'), 'utf8');
  return [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => {
    const source = match[1]!;
    const before = text.slice(0, match.index);
    const outputs = [...source.matchAll(/console\.log\(.*\);\s*\/\/ (.*)$/gm)].map((line) => `${line[1]}\n`);
    return {
      title: /^#+ (.*)$/gm.exec(before.slice(before.lastIndexOf('\n#') + 1))?.[1] ?? '',
      source,
      expected: outputs.join(''),
    };
  });
}
