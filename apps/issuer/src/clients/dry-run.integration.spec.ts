import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { declaredDifference } from './dry-run.js';

describe('a dry run of the declared file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dry-run-'));
  let issuer: IssuerUnderTest;

  beforeAll(async () => {
    issuer = await startIssuer();
  }, 120_000);
  afterAll(async () => {
    await issuer.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('prints what a start would change, from YAML too, and changes nothing', async () => {
    const key = publicJwkOf(await generateSigningKey());
    const yaml = ['clients:', '  - client_id: shop', '    jwks:', `      keys: [${JSON.stringify(key)}]`].join('\n');
    writeFileSync(join(folder, 'clients.yaml'), yaml);
    const url = await issuer.backing.database('empty');
    expect(await declaredDifference({ connectionString: url }, join(folder, 'clients.yaml'), new Date())).toBe(
      '+ shop: registered',
    );
    const differs = await declaredDifference(
      { connectionString: issuer.databaseUrl },
      join(folder, 'clients.yaml'),
      new Date(),
    );
    expect(differs).toMatch(/^~ shop: changed\n {4}jwks: .*\n {4}policy: /);
    expect(differs).toContain('- operator: no longer declared, disabled');
    expect((await issuer.admin('GET', '/admin/clients/operator')).body['status']).toBe('active');
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await issuer.recorded()).toEqual(expect.arrayContaining(['client.declared allowed']));
  });
});
