import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey } from '@countersign/auth-core';
import { chooseIdentity } from './identity.js';
import { findLocalStack } from './local-stack.js';

describe("a command's identity", () => {
  const root = mkdtempSync(join(tmpdir(), 'cli-'));
  const stackFolder = join(root, '.countersign');
  const below = join(root, 'some', 'folder');

  beforeAll(async () => {
    mkdirSync(join(stackFolder, 'env'), { recursive: true });
    mkdirSync(below, { recursive: true });
    const clients = [
      { client_id: 'payments', policy: { exchange: [] } },
      { client_id: 'storefront', policy: { audiences: { payments: ['payments:create'] } } },
      { client_id: 'shop', policy: { audiences: { audit: ['audit:read:own'] } } },
      { client_id: 'auditor', policy: { audiences: { audit: ['audit:read'] } } },
      { client_id: 'reader', policy: { audiences: { audit: ['audit:read'], payments: ['payments:read'] } } },
      { client_id: 'elsewhere', policy: { audiences: { payments: ['payments:create'] } } },
    ];
    writeFileSync(join(stackFolder, 'env', 'clients.json'), JSON.stringify({ clients }));
    for (const name of ['payments', 'shop', 'storefront', 'auditor', 'reader'])
      writeFileSync(join(stackFolder, 'env', `${name}-key.json`), JSON.stringify(await generateSigningKey()));
    writeFileSync(join(stackFolder, 'env', 'issuer.env'), 'PORT=4000\nHOST=127.0.0.1\n');
  });
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const stack = () => findLocalStack(undefined, below);

  it('finds the stack of a parent folder, and the client that may request the audience', () => {
    const identity = chooseIdentity({}, stack(), 'audit', [], ['audit:read', 'audit:read:own']);
    expect([identity.clientId, identity.issuer]).toEqual(['auditor', 'http://127.0.0.1:4000']);
    expect(chooseIdentity({}, stack(), 'audit').clientId).toBe('shop');
    expect(chooseIdentity({}, stack(), undefined).clientId).toBe('storefront');
    expect(chooseIdentity({}, stack(), 'payments').clientId).toBe('storefront');
    expect(chooseIdentity({}, stack(), 'payments', ['payments:read']).clientId).toBe('reader');
  });

  it('takes the named client, and never guesses one for which the stack has no key', () => {
    expect(chooseIdentity({ clientId: 'payments' }, stack(), 'audit').clientId).toBe('payments');
    expect(() => chooseIdentity({ clientId: 'elsewhere' }, stack(), 'payments')).toThrow(/has no key for the client/);
  });

  it('says which options are missing where there is no stack', () => {
    expect(() => chooseIdentity({ issuer: 'https://i.test' }, undefined, 'audit')).toThrow(/no local stack/);
    expect(() => chooseIdentity({ key: '/k.json' }, stack(), 'audit')).toThrow(/--client-id/);
  });

  it('names a key file that holds no private key', () => {
    const file = join(root, 'public.json');
    writeFileSync(file, '{"kty":"EC"}');
    expect(() => chooseIdentity({ clientId: 'shop', key: file, issuer: 'https://i.test/' }, undefined)).toThrow(file);
    const own = { kty: 'EC', kid: 'k', alg: 'ES256', d: 'x' };
    writeFileSync(file, JSON.stringify({ ...own, key_ops: ['verify'] }));
    expect(() => chooseIdentity({ clientId: 'shop', key: file, issuer: 'https://i.test/' }, undefined)).toThrow(
      /must be a signing key/,
    );
  });

  it('addresses an issuer by its exact name, with or without a trailing slash', () => {
    const file = join(root, 'own.json');
    writeFileSync(file, JSON.stringify({ kty: 'EC', kid: 'k', alg: 'ES256', d: 'x', use: 'sig' }));
    for (const issuer of ['https://i.test', 'https://i.test/'])
      expect(chooseIdentity({ clientId: 'shop', key: file, issuer }, undefined).issuer).toBe(issuer);
  });
});
