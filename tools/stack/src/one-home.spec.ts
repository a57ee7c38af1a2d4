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
  ["traceparent's grammar", /\^00-|`00-\$\{/, ['libs/audit-event/src/trace-context.ts']],
  [
    'an event is completed by the recorder alone',
    /\b(?:completeEvent|eventText)\(/,
    [
      'libs/audit-client/src/outbox.store.ts',
      'libs/audit-event/src/audit-event.ts',
      'libs/audit-event/src/fast/event-text.ts',
      // It takes the recorder's place in tests.
      'libs/test-kit/src/audit-probe.ts',
    ],
  ],
  [
    'a map whose oldest entry is evicted',
    /const \[\w+\] = [\w.#]+\.keys\(\);|of [\w.#]+\.keys\(\)\) \{\s+[\w.#]+\.delete/,
    [],
  ],
  [
    'a lock that is waited for',
    /pg_advisory_xact_lock/,
    [
      // On a connection that is not drizzle's.
      'apps/accounts/src/invariants/invariants.store.ts',
      'libs/service-host/src/database/advisory-lock.ts',
      // With a limit to the wait, in one statement.
      'libs/service-host/src/idempotency/keyed-answers.store.ts',
    ],
  ],
  ['how much a pause varies', /0\.75 \+ Math\.random/, ['libs/auth-core/src/jittered.ts']],
  [
    'a private JWK with its names',
    /kty: z\.string\(\), kid: z\.string\(\)/,
    // The command line knows no service-host, which brings Nest.
    ['apps/cli/src/person/private-jwk.ts', 'libs/service-host/src/client-key.ts'],
  ],
  ["Web Crypto's name of an algorithm", /RSASSA-PKCS1/, ['libs/service-host/src/client-key.ts']],
  [
    "an error's message, else its causes",
    /\['message'\] !== ''|instanceof Error \? \w+\.message : String/,
    // Its own, since nothing of auth-core runs where events are only read.
    ['libs/audit-event/src/audit-event.ts', 'libs/auth-core/src/reason.ts'],
  ],
  [
    'a loop that runs until the service stops',
    /while \(!(?:this\.#stopped\.)?signal\.aborted/,
    [
      // Within a round of Background's.
      'apps/audit/src/intake/dead-letters-aging.service.ts',
      // Follow a connection until it ends, in rounds that have no interval; both libraries know no Nest.
      'apps/audit/src/intake/intake.service.ts',
      'libs/audit-client/src/relay.ts',
      'libs/revocation-feed/src/revocation-feed.ts',
      'libs/service-host/src/background.service.ts',
    ],
  ],
  // The relay does not know service-host.
  [
    'a lock that is tried: in a statement that reads nothing',
    /pg_try_advisory/,
    ['libs/audit-client/src/relay.store.ts', 'libs/service-host/src/database/advisory-lock.ts'],
  ],
  [
    'a separate loop beside Background',
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

  it('the doctor looks for the tables in which migrations note what ran: it knows no service-host, which brings Nest', () => {
    const noted = (path: string): readonly string[] => {
      const text = withoutComments(readFileSync(resolve(root, path), 'utf8'));
      return [...new Set(text.match(/__[a-z]+(?:_migrations)?(?=['`])/g))].sort();
    };
    const [home, doctor] = ['libs/service-host/src/database/migrations.ts', 'apps/cli/src/doctor/databases.store.ts'];
    expect(noted(home)).toEqual(['__drizzle_migrations', '__host_migrations', '__outbox_migrations', '__unfinished']);
    expect(noted(doctor)).toEqual(noted(home));
  });

  it("the outbox's tables: audit-client makes them, for every service", () => {
    const migrations = globSync('{apps,libs}/*/**/*.sql', {
      cwd: root,
      exclude: (path) => path.includes('node_modules'),
    });
    expect(migrations.length).toBeGreaterThan(50);
    const found = migrations.filter((path) =>
      /\b(?:create|alter) table (?:if not exists )?"?audit_/i.test(readFileSync(resolve(root, path), 'utf8')),
    );
    expect(found.filter((path) => !path.startsWith('libs/audit-client/'))).toEqual([]);
  });

  it('no route of the issuer is known to what every service shares', () => {
    const shared = sources.filter(({ path }) => /^libs\/(?:auth|service-host)\//.test(path));
    expect(shared.length).toBeGreaterThan(50);
    const found = shared.filter(({ text }) => withoutComments(text).includes("'/oauth2/"));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});
