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
  // What a function takes of the variables declares none.
  const text = readFileSync(resolve(root, file), 'utf8').replaceAll(/^(?:export )?function [^]*?^\}/gm, '');
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

const files = [
  'libs/service-host/src/configuration.ts',
  ...globSync('apps/*/src/configuration.ts', { cwd: root }).sort(),
];

function generated(): string {
  const sections = files.map((file) => {
    const [kind = '', name = ''] = file.split('/');
    // The command `migrate` reads some too, from a schema before theirs.
    const variables = new Map(variablesOf(file).map((variable) => [variable.name, variable]));
    const rows = [...variables.values()].map(
      ({ name: variable, byDefault, meaning }) => `| \`${variable}\` | ${byDefault} | ${meaning} |`,
    );
    const title = kind === 'libs' ? 'Every service' : name;
    return `## ${title}\n\n| variable | default | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return (
    '# Configuration\n\nGenerated from the schemas and their comments; run the spec `tools/stack/src/configuration-page.spec.ts` with `UPDATE_DOCS=1` to update it. ' +
    'Any variable `NAME` can also be set as `NAME_FILE`, the path of a file whose trimmed content is the value. Of those under "Every service" the issuer reads only the variables for the host, the database and NATS.\n\n' +
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
    expect(text.match(/^\|.*\| {2}\|$/gm) ?? []).toEqual([]);
  });

  it('is not contradicted by other pages that say a default', () => {
    const defaults = new Map(
      files.flatMap(variablesOf).map(({ name, byDefault }) => [name, byDefault.replaceAll('`', '')]),
    );
    const pages = globSync(['README.md', 'docs/*.md', 'libs/*/README.md'], { cwd: root });
    let checked = 0;
    // `OUTBOX_KEEP_HOURS` (72; …), `TOKEN_LIFETIME_SECONDS`, 300 s
    const said = /`([A-Z][A-Z_]+)`(?:\*\*)?(?: \(|, )([\d,]+)( seconds)?(?=[;,.) ])(?! (?:MiB|GiB|to))/g;
    const wrong = pages.flatMap((file) =>
      [...readFileSync(resolve(root, file), 'utf8').matchAll(said)]
        .filter(([, name = '']) => /^\d+$/.test(defaults.get(name) ?? ''))
        .filter(([, name = '', figure = '', seconds]) => {
          checked += 1;
          const unit = name.endsWith('_MS') && seconds !== undefined ? 1_000 : 1;
          return Number(figure.replaceAll(',', '')) * unit !== Number(defaults.get(name));
        })
        .map(([whole]) => `${file}: ${whole}`),
    );
    expect(wrong).toEqual([]);
    expect(checked).toBeGreaterThan(10);
  });
});
