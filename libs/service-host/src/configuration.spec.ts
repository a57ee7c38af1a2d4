import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { databaseVariables, hostVariables, issuerVariables, natsVariables } from './configuration.js';
import { ConfigurationError, loadConfiguration } from './load-configuration.js';
import { parseForm } from './requests/form-body.js';
import { HealthRegistry } from './health/health.js';
import { Problem, problemOf } from './problems/problem.js';

const shape = { ...hostVariables, ...databaseVariables };
const url = 'postgres://issuer:secret@127.0.0.1:5432/issuer';

describe('the configuration', () => {
  it('has defaults and parses what is given', () => {
    const parsed = loadConfiguration(shape, { PORT: '4000', DATABASE_URL: url });
    expect(parsed).toMatchObject({ PORT: 4000, HOST: '127.0.0.1', LOG_LEVEL: 'info', DATABASE_URL: url });
  });

  it('names every variable that is missing or wrong, and repeats no value', () => {
    const load = (): unknown =>
      loadConfiguration(shape, { PORT: 'eighty', LOG_FORMAT: 'xml', DATABASE_URL: 'mysql://u:secret@h/d' });
    expect(load).toThrow(ConfigurationError);
    expect(load).toThrow(/PORT[\s\S]*LOG_FORMAT[\s\S]*DATABASE_URL/);
    expect(load).not.toThrow(/secret/);
    expect(() => loadConfiguration(shape, {})).toThrow(/PORT is not set/);
  });

  it('refuses a running service the credentials that migrate its schema, as a variable and as a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'configuration-'));
    writeFileSync(join(folder, 'url'), url);
    for (const held of [{ MIGRATION_DATABASE_URL: url }, { MIGRATION_DATABASE_URL_FILE: join(folder, 'url') }])
      expect(() => loadConfiguration(shape, { PORT: '0', DATABASE_URL: url, ...held })).toThrow(
        /MIGRATION_DATABASE_URL: must not be set for a running service/,
      );
    rmSync(folder, { recursive: true });
  });

  describe('asks for what protects a connection', () => {
    const issuer = { ...shape, ...issuerVariables, ...natsVariables, ACCOUNTS_URL: z.url() };
    const load = (more: NodeJS.ProcessEnv): unknown =>
      loadConfiguration(issuer, {
        PORT: '0',
        DATABASE_URL: url,
        ISSUER_URL: 'https://issuer.test',
        ACCOUNTS_URL: 'https://accounts.test',
        ...more,
      });

    it.each(['ISSUER_URL', 'JWKS_URL', 'ACCOUNTS_URL'])(
      'https in %s, unless it is on this machine or ALLOW_PLAIN_HTTP says otherwise',
      (name) => {
        const refused = new RegExp(`${name}: plain http to another machine.*ALLOW_PLAIN_HTTP=true`);
        for (const host of ['issuer:4000', '10.0.0.1', '[fd00::1]', 'localhost.test', '127.0.0.1.test', '0.0.0.0'])
          expect(() => load({ [name]: `http://${host}/x` })).toThrow(refused);
        for (const host of ['127.0.0.1:4000', '127.8.9.1', 'localhost', 'issuer.localhost', '[::1]:4000'])
          expect(load({ [name]: `http://${host}/x` })).toMatchObject({ [name]: `http://${host}/x` });
        expect(load({ [name]: 'http://issuer:4000', ALLOW_PLAIN_HTTP: 'true' })).toBeDefined();
        expect(() => load({ [name]: 'http://issuer:4000', ALLOW_PLAIN_HTTP: 'yes' })).toThrow(/ALLOW_PLAIN_HTTP/);
      },
    );

    it('one answer to whether TLS is demanded', () => {
      for (const mode of ['sslmode=disable', 'sslmode=prefer', 'application_name=x&sslmode=no-verify', 'ssl=0'])
        expect(() => load({ DATABASE_URL: `${url}?${mode}`, DATABASE_TLS: 'require' })).toThrow(
          /DATABASE_URL: its sslmode contradicts DATABASE_TLS=require/,
        );
      expect(load({ DATABASE_URL: `${url}?sslmode=verify-full`, DATABASE_TLS: 'require' })).toBeDefined();
      expect(() => load({ NATS_URL: 'nats://a:4222,tls://b:4222' })).toThrow(/NATS_TLS=require/);
      expect(() => load({ NATS_PASSWORD: 'secret' })).toThrow(/NATS_USER must be set when NATS_PASSWORD is/);
      expect(load({ NATS_PASSWORD: 'secret', NATS_USER: 'issuer' })).toBeDefined();
      expect(() => load({ DATABASE_CA: 'no certificate' })).toThrow(/DATABASE_CA: must be certificates in PEM/);
    });
  });

  it('names contradictions found by the service itself, along with everything else', () => {
    const load = (environment: NodeJS.ProcessEnv): unknown =>
      loadConfiguration({ LEAST: z.coerce.number(), MOST: z.coerce.number() }, environment, ({ LEAST, MOST }) =>
        LEAST > MOST ? ['LEAST: must be at most MOST'] : [],
      );
    expect(load({ LEAST: '1', MOST: '2' })).toEqual({ LEAST: 1, MOST: 2 });
    expect(() => load({ LEAST: '3', MOST: '2' })).toThrow(/is invalid:\n {2}- LEAST: must be at most MOST$/);
    expect(() => load({ LEAST: 'x', MOST: '2' })).toThrow(/LEAST: Invalid/);
  });

  it('reads a variable from a file, and refuses both at once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'configuration-'));
    writeFileSync(join(folder, 'url'), `${url}\n`);
    const environment = { PORT: '0', DATABASE_URL_FILE: join(folder, 'url') };
    expect(loadConfiguration(shape, environment).DATABASE_URL).toBe(url);
    expect(() => loadConfiguration(shape, { ...environment, DATABASE_URL: url })).toThrow(/both set/);
    expect(() => loadConfiguration(shape, { PORT: '0', DATABASE_URL_FILE: '/nowhere' })).toThrow(/DATABASE_URL_FILE/);
    rmSync(folder, { recursive: true });
  });
});

describe('a form body', () => {
  it('is parsed to text members, and a parameter given twice is refused', () => {
    parseForm('a=1&b=x%20y', (error, value) => {
      expect([error, value]).toEqual([null, { a: '1', b: 'x y' }]);
    });
    parseForm('a=1&a=2', (error) => {
      expect(error).toMatchObject({ status: 400, code: 'PARAMETER_REPEATED' });
    });
  });
});

describe('a problem', () => {
  it('says what was planned, and nothing else', () => {
    expect(problemOf(new Problem(422, 'INSUFFICIENT_FUNDS', 'No.', { retry_after: 1 }))).toMatchObject({
      status: 422,
      title: 'Unprocessable Entity',
      code: 'INSUFFICIENT_FUNDS',
      retry_after: 1,
    });
    expect(JSON.stringify(problemOf(new Error('password=secret')))).not.toContain('secret');
  });
});

describe('readiness', () => {
  it('is refused while a check fails or does not answer in time', async () => {
    const registry = new HealthRegistry(50);
    registry.add('good', () => undefined);
    expect(await registry.report()).toMatchObject({ status: 'ready', checks: { good: 'ok' } });
    registry.add('bad', () => Promise.reject(new Error('away')));
    registry.add('slow', () => new Promise(() => undefined));
    expect(await registry.report()).toMatchObject({
      status: 'not_ready',
      checks: { good: 'ok', bad: 'away', slow: 'no answer within 50 ms' },
    });
  });

  it('is refused, with the name of the part, while a note of it cannot be read', async () => {
    const registry = new HealthRegistry(50);
    registry.addNote('feed', () => Promise.resolve({ entries: 7 }));
    expect(await registry.report()).toEqual({ status: 'ready', checks: {}, notes: { feed: { entries: 7 } } });
    registry.addNote('relay', () => {
      throw new RangeError('Invalid time value');
    });
    registry.addNote('intake', () => Promise.reject(new Error('away')));
    registry.addNote('slow', () => new Promise(() => undefined));
    const checks = { relay: 'Invalid time value', intake: 'away', slow: 'no answer within 50 ms' };
    expect(await registry.report()).toEqual({ status: 'not_ready', checks, notes: { feed: { entries: 7 } } });
  });
});
