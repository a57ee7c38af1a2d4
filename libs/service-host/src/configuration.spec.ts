import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, databaseVariables, hostVariables, loadConfiguration } from './configuration.js';
import { parseForm } from './form-body.js';
import { HealthRegistry } from './health.js';
import { Problem, problemOf } from './problem.js';

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
        /MIGRATION_DATABASE_URL: a running service must not hold it/,
      );
    rmSync(folder, { recursive: true });
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
  it('tells what was planned to be told, and nothing of what was not', () => {
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
});
