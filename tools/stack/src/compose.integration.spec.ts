import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
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
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
});
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
});

const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');
const compose = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
const services = Object.entries(compose.services);
const own = services.filter(([, { build }]) => build !== undefined);
const dockerfile = read('Dockerfile');

describe('docker-compose.yml', () => {
  it('builds each of its images from a target of the Dockerfile', () => {
    const targets = new Set([...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, target]) => target));
    expect(own.map(([, { build }]) => build?.target).filter((target) => !targets.has(target))).toEqual([]);
    expect(serviceNames.filter((name) => !targets.has(name))).toEqual([]);
  });

  it('runs its own containers read-only, without capabilities to gain, and not as root but for the one-shot identities', () => {
    for (const [name, service] of own) {
      expect([name, service.read_only, service.cap_drop, service.security_opt]).toEqual([
        name,
        true,
        ['ALL'],
        ['no-new-privileges:true'],
      ]);
      expect([name, service.user]).toEqual([name, name === 'identities' ? '0:0' : undefined]);
    }
    expect(dockerfile.split('FROM runtime AS')[0]).toMatch(/^USER node$/m);
  });

  it('waits for what each service needs, which has a health check to be waited for', () => {
    for (const [name, { depends_on }] of services) {
      for (const [needed, { condition }] of Object.entries(depends_on ?? {})) {
        const target = compose.services[needed];
        expect([name, needed, target !== undefined]).toEqual([name, needed, true]);
        const checked = target?.healthcheck !== undefined || serviceNames.some((service) => service === needed);
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
        if (/PASSWORD|KEY|SECRET|DATABASE_URL/.test(variable)) {
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
    for (const volume of Object.keys(compose.volumes).filter((one) => one.endsWith('-secrets'))) {
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

  it('publishes ports on the loopback address alone', () => {
    for (const [, { ports }] of services) for (const port of ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});
