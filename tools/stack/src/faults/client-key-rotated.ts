import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generateSigningKey, publicJwkOf, TokenRequestError, type PrivateJwk } from '@countersign/auth-core';
import { z } from 'zod';
import { writeSecret } from '../identities.js';
import { countersign } from './countersign.js';
import { type Fault, type Scene } from './fault.js';
import { between } from './random.js';

const declarationSchema = z.looseObject({
  clients: z.array(z.looseObject({ client_id: z.string(), jwks: z.looseObject({ keys: z.array(z.unknown()) }) })),
});

/** Milliseconds in which requests of the key before have surely been answered. */
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

async function rotate(scene: Scene, before: PrivateJwk, after: PrivateJwk): Promise<void> {
  const { random, storefront, wrong } = scene;
  await declare(scene, [before, after]);
  for (const key of [before, after])
    if (!(await isTaken(scene, key))) wrong(`${key.kid} is refused while both keys are declared`);
  await delay(between(random, 200, 700));
  storefront.useKey(after);
  await delay(LAST_REQUESTS_MS);
  await declare(scene, [after]);
  if (await isTaken(scene, before)) wrong(`${before.kid} is taken though it is no longer declared`);
  if (!(await isTaken(scene, after))) wrong(`${after.kid} is refused although it is the only declared key`);
  await delay(between(random, 500, 1_000));
}

/** The key of the client that pays is changed in the declared file, with an overlap, and changed back; the key that is gone gets no token. */
export const clientKeyRotated: Fault = {
  name: 'client-key-rotated',
  drill: 'rotation',
  unfelt: true,
  async strike(scene) {
    const { storefront } = scene.stack.identities.clients;
    const other = await generateSigningKey();
    await delay(between(scene.random, 200, 700));
    await rotate(scene, storefront, other);
    await rotate(scene, other, storefront);
  },
};
