// The dependency direction of the house (docs/architecture.md): which package may stand on which. Imports that are not
// declared are refused by Biome's noUndeclaredDependencies, so the manifests say everything that this check must know.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @type {Readonly<Record<string, readonly string[]>>} For each published package, the packages below it that it may use. */
export const HOUSE = {
  'native-mem': [],
  'smf-format': [],
  'template-ir': [],
  codegen: ['template-ir'],
  'smf-cache': ['native-mem', 'smf-format'],
  'jit-instantiator': ['codegen', 'native-mem', 'smf-cache', 'smf-format', 'template-ir'],
  'symbol-resolver': ['jit-instantiator', 'native-mem', 'smf-cache', 'smf-format'],
};

const SCOPE = '@simple-jit/';

/**
 * Every arrow that points up the house, or sideways, as a sentence; none means the direction holds.
 * @param {string} root the repository
 * @returns {string[]}
 */
export function findWrongArrows(root) {
  const wrong = [];
  for (const folder of readdirSync(join(root, 'packages'))) {
    const path = join(root, 'packages', folder, 'package.json');
    if (!existsSync(path)) continue;
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    const allowed = HOUSE[folder];
    if (allowed === undefined || manifest.name !== SCOPE + folder) {
      wrong.push(
        `packages/${folder}: give it a place in HOUSE (tooling/checks/src/layers.js) and the name ${SCOPE}${folder}`,
      );
      continue;
    }
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
      for (const name of Object.keys(manifest[kind] ?? {})) {
        if (name.startsWith(SCOPE) && !allowed.includes(name.slice(SCOPE.length))) {
          wrong.push(
            `packages/${folder}: ${kind} names ${name}, which is not below it; it may use: ${allowed.join(', ') || 'none'}`,
          );
        }
      }
    }
  }
  return wrong;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const wrong = findWrongArrows(fileURLToPath(new URL('../../../', import.meta.url)));
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exit(1);
  console.log('layers: every dependency points down the house');
}
