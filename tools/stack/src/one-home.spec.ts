import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const sources = globSync('{apps,libs}/*/src/**/*.{ts,tsx}', { cwd: root })
  .filter((path) => !/\.spec\.tsx?$|\/(?:testing|corpus)\//.test(path))
  .map((path) => ({ path, text: readFileSync(resolve(root, path), 'utf8') }));

/** A fact that is written in one file, and how it looks where somebody writes it again. */
const facts: readonly (readonly [fact: string, pattern: RegExp, home: readonly string[]])[] = [
  ["OAuth's URNs", /urn:ietf:params:oauth:/, ['libs/auth-core/src/oauth.ts']],
  // Tests' bad tokens say it, too.
  ["an access token's typ", /['"]at\+jwt['"]/, ['libs/auth-core/src/oauth.ts', 'libs/test-kit/src/bad-tokens.ts']],
  ["a token's longest life", /(?<![\d_.])900(?![\d_])(?! \* \d)/, ['libs/auth-core/src/oauth.ts']],
  ['the list of algorithms', /'ES256', 'EdDSA'/, ['libs/auth-core/src/keys/algorithm.ts']],
  ["traceparent's grammar", /\^00-/, ['libs/audit-event/src/trace-context.ts']],
  [
    'a map whose oldest entry makes way',
    /const \[\w+\] = [\w.#]+\.keys\(\);|of [\w.#]+\.keys\(\)\) \{\s+[\w.#]+\.delete/,
    [],
  ],
  // The relay does not know service-host.
  [
    'a lock that is tried: in a statement that reads nothing',
    /pg_try_advisory/,
    ['libs/audit-client/src/relay.store.ts', 'libs/service-host/src/database/advisory-lock.ts'],
  ],
  [
    'a loop of its own beside Background',
    /\bsetInterval\(/,
    [
      // No Nest, or no service: a library, a page, one connection.
      'apps/console/src/ui/time.tsx',
      'libs/auth-core/src/api-key/api-keys.ts',
      'libs/service-host/src/requests/connection-closing.ts',
      // Also used as a part, without the rest of service-host.
      'libs/service-host/src/trail/refusals.service.ts',
    ],
  ],
];

/** Comments and descriptions may name a fact. */
const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');

describe('one home for one fact', () => {
  it.each(facts)('%s: nobody writes it again', (_, pattern, home) => {
    const found = sources.filter(({ text }) => pattern.test(withoutComments(text))).map(({ path }) => path);
    expect(found.sort()).toEqual([...home].sort());
  });

  it('a connection of a tool to a database: PostgreSQL may end it, and without a listener the process with it', () => {
    const files = globSync('tools/*/src/**/*.ts', { cwd: root }).filter((path) => !path.endsWith('.spec.ts'));
    const found = files.filter((path) => /new pg\.(?:Client|Pool)\(/.test(readFileSync(resolve(root, path), 'utf8')));
    expect(found).toEqual(['tools/backing-services/src/database-connections.ts']);
  });

  it('no route of the issuer is known to what every service shares', () => {
    const shared = sources.filter(({ path }) => /^libs\/(?:auth|service-host)\//.test(path));
    expect(shared.length).toBeGreaterThan(50);
    const found = shared.filter(({ text }) => withoutComments(text).includes("'/oauth2/"));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});
