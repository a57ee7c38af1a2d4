import { setTimeout as delay } from 'node:timers/promises';
import { createTokenClient } from '@countersign/auth-core';
import { countersign } from '@countersign/stack';
import { z } from 'zod';
import { heldWithin } from './database-restored.js';
import { type Fault, type Scene } from './fault.js';
import { ask } from './http.js';
import { between } from './random.js';

/** Milliseconds for a revocation to be in force. */
const LIMIT_MS = 20_000;

const keysSchema = z.object({
  keys: z.array(z.looseObject({ kid: z.string(), state: z.string(), usable_from: z.iso.datetime() })),
});
type Keys = z.infer<typeof keysSchema>['keys'];

async function revocationKeys({ stack }: Scene, method: 'GET' | 'POST', path: string): Promise<Keys> {
  const operator = createTokenClient({
    issuer: stack.urls.issuer,
    clientId: 'operator',
    key: stack.identities.clients.operator,
  });
  const { token } = await operator.getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
  const { status, body } = await ask(method, `${stack.urls.issuer}/admin/revocation-keys${path}`, token);
  if (status !== 200) throw new Error(`/admin/revocation-keys${path} was answered with ${String(status)}`);
  return keysSchema.parse(body).keys;
}

/** @returns whether payments refuses the token that is revoked here */
async function revokeOne({ stack, storefront, wrong }: Scene): Promise<() => Promise<boolean>> {
  const client = storefront.withKey(stack.identities.clients.storefront);
  const { token } = await client.getToken({ audience: 'payments', scopes: ['payments:read'] });
  const isRefused = async (): Promise<boolean> =>
    (await ask('GET', `${stack.urls.payments}/payments?limit=1`, token)).status === 401;
  if (await isRefused()) wrong('a new token was refused');
  const { code, out, said } = await countersign(stack, 'revoke', 'token', token, '--no-with-derived');
  if (code !== 0) wrong(`countersign revoke token failed: ${said}${out}`);
  if (!(await heldWithin(LIMIT_MS, isRefused))) wrong('a revoked token was never refused');
  return isRefused;
}

/** The key that signs what is revoked is rotated: what was revoked before stays so, what is revoked after is refused, and nobody else notices. */
export const revocationKeyRotated: Fault = {
  name: 'revocation-key-rotated',
  drill: 'rotation',
  unfelt: true,
  async strike(scene) {
    const { random, wrong } = scene;
    const isEarlierRefused = await revokeOne(scene);
    const pending = (await revocationKeys(scene, 'GET', '')).find(({ state }) => state === 'pending');
    if (pending === undefined) throw new Error('the issuer has no pending revocation key');
    await delay(Math.max(Date.parse(pending.usable_from) - Date.now(), 0) + between(random, 50, 500));
    const after = await revocationKeys(scene, 'POST', '/rotate');
    const active = after.find(({ state }) => state === 'active')?.kid;
    if (active !== pending.kid) wrong(`after the rotation ${String(active)} signs instead of ${pending.kid}`);
    if (!(await isEarlierRefused())) wrong('a token that was revoked under the key before is accepted again');
    await revokeOne(scene);
  },
};
