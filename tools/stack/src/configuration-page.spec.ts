import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { TOKEN_LIFE_LIMIT_SECONDS } from '@countersign/auth-core';

const root = resolve(import.meta.dirname, '../../..');
const page = resolve(root, 'docs/configuration.md');

/** Defaults that a schema takes from elsewhere. */
const constants = new Map([['TOKEN_LIFE_LIMIT_SECONDS', String(TOKEN_LIFE_LIMIT_SECONDS)]]);

interface Variable {
  readonly name: string;
  readonly byDefault: string;
  readonly meaning: string;
}

/** The variables of a configuration.ts with the comments above them. */
function variablesOf(file: string): readonly Variable[] {
  const text = readFileSync(resolve(root, file), 'utf8');
  const declared =
    /(?:\n {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/)?\n {2}([A-Z][A-Z_]+): ([\s\S]*?),(?=\n(?: {2}[A-Z/.]|\}))/g;
  return [...text.matchAll(declared)].map(([, comment = '', name = '', schema = '']) => {
    const said = /\.default\(((?:[^()]|\([^()]*\))*)\)/.exec(schema)?.[1]?.replace(/^'(.*)'$/, '$1');
    const given = said === undefined ? undefined : (constants.get(said) ?? said);
    const needed = /optional\(\)|^trustedProxiesSchema$/.test(schema) ? 'none' : 'must be set';
    const days = /^(\d+) \* DAY$/.exec(given ?? '')?.[1];
    const shown = days === undefined ? given?.replace(/_(?=\d)/g, '') : String(Number(days) * 86_400);
    return {
      name,
      byDefault:
        shown === undefined ? needed : shown === '' ? 'empty' : /^[A-Z_]+$/.test(shown) ? 'as said' : `\`${shown}\``,
      meaning: comment
        .replace(/\n\s*\*/g, ' ')
        .replace(/\s+/g, ' ')
        .replaceAll('|', '\\|')
        .trim(),
    };
  });
}

function generated(): string {
  const files = [
    'libs/service-host/src/configuration.ts',
    ...globSync('apps/*/src/configuration.ts', { cwd: root }).sort(),
  ];
  const sections = files.map((file) => {
    const [kind = '', name = ''] = file.split('/');
    const rows = variablesOf(file).map(
      ({ name: variable, byDefault, meaning }) => `| \`${variable}\` | ${byDefault} | ${meaning} |`,
    );
    const title = kind === 'libs' ? 'Every service' : name;
    return `## ${title}\n\n| variable | default | meaning |\n| --- | --- | --- |\n${[...new Set(rows)].join('\n')}\n`;
  });
  return (
    '# Configuration\n\nGenerated from the schemas and their comments: `UPDATE_DOCS=1` with the spec `tools/stack/src/configuration-page.spec.ts`. ' +
    'Any variable `NAME` may instead be given as `NAME_FILE`, a file whose trimmed content is the value. From "Every service" the issuer reads the variables of host, database and NATS.\n\n' +
    sections.join('\n')
  );
}

/** As prettier may lay a table out, so that only what it says counts. */
const meant = (text: string): string => text.replace(/ +/g, ' ').replace(/\| ?-[- |]*\|/g, '|---|');

describe('docs/configuration.md', () => {
  it('names every variable that a service reads, with its default and its meaning, as the schemas have them', () => {
    const text = generated();
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, text);
    expect(meant(readFileSync(page, 'utf8'))).toBe(meant(text));
    expect(text.match(/^\| `/gm)?.length).toBeGreaterThan(50);
  });
});
