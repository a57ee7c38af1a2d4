import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createTokenClient,
  generateSigningKey,
  publicJwkOf,
  TokenRequestError,
  type PrivateJwk,
} from '@countersign/auth-core';
import { countersign, writeSecret } from '@countersign/stack';
import { z } from 'zod';
import { type Fault, type Scene } from './fault.js';
import { ask } from './http.js';
import { between } from './random.js';

const declarationSchema = z.looseObject({
  clients: z.array(z.looseObject({ client_id: z.string() })),
});

/** Milliseconds in which what renews tokens of the key before in the background has surely been answered. */
const LAST_REQUESTS_MS = 1_000;

/** Declares the storefront with these keys, in the file that the issuer also reads at its start, and applies it as an operator does. */
async function declare({ stack }: Scene, keys: readonly PrivateJwk[]): Promise<void> {
  const path = join(stack.directory, 'env', 'clients.json');
  const declared = declarationSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const clients = declared.clients.map((client) =>
    client.client_id === 'storefront' ? { ...client, jwks: { keys: keys.map(publicJwkOf) } } : client,
  );
  writeSecret(path, JSON.stringify({ ...declared, clients }, null, 2));
  const { code, out, said } = await countersign(stack, 'clients', 'apply', path);
  if (code !== 0) throw new Error(`countersign clients apply failed: ${said}${out}`);
}

/** Whether the issuer gives a token for an assertion by this key. */
async function isTaken({ storefront }: Scene, key: PrivateJwk): Promise<boolean> {
  try {
    await storefront.withKey(key).getToken({ audience: 'payments', scopes: ['payments:read'] });
    return true;
  } catch (error) {
    if (error instanceof TokenRequestError && error.code === 'invalid_client') return false;
    throw error;
  }
}

/** As an administrator adds a key by hand: no declaration brings back one that was removed. */
async function addByHand({ stack }: Scene, key: PrivateJwk): Promise<void> {
  const { issuer } = stack.urls;
  const operator = createTokenClient({ issuer, clientId: 'operator', key: stack.identities.clients.operator });
  const { token } = await operator.getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
  const { status } = await ask('POST', `${issuer}/admin/clients/storefront/keys`, token, publicJwkOf(key));
  if (status >= 300) throw new Error(`a key that was added by hand was answered with ${String(status)}`);
}

async function rotate(scene: Scene, before: PrivateJwk, after: PrivateJwk): Promise<void> {
  const { random, storefront, wrong } = scene;
  for (const key of [before, after])
    if (!(await isTaken(scene, key))) wrong(`${key.kid} is refused while both keys are declared`);
  await delay(between(random, 200, 700));
  await storefront.useKey(after);
  await delay(LAST_REQUESTS_MS);
  await declare(scene, [after]);
  if (await isTaken(scene, before)) wrong(`${before.kid} is accepted though it is no longer declared`);
  if (!(await isTaken(scene, after))) wrong(`${after.kid} is refused although it is the only declared key`);
  await delay(between(random, 500, 1_000));
}

/**
 * The key of the client that pays is changed in the declared file, with an overlap; the key that is gone gets no token. It does not come back
 * with a declaration either, only by an administrator's hand, and so the change is undone.
 */
export const clientKeyRotated: Fault = {
  name: 'client-key-rotated',
  drill: 'rotation',
  unfelt: true,
  async strike(scene) {
    const { storefront } = scene.stack.identities.clients;
    const other = await generateSigningKey();
    await delay(between(scene.random, 200, 700));
    scene.struck();
    await declare(scene, [storefront, other]);
    await rotate(scene, storefront, other);
    await declare(scene, [other, storefront]);
    if (await isTaken(scene, storefront)) scene.wrong('a declaration brought back a key that was removed');
    await addByHand(scene, storefront);
    await rotate(scene, other, storefront);
  },
};
