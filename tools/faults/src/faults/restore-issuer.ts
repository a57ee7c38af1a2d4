import { setTimeout as delay } from 'node:timers/promises';
import { signClientAssertion } from '@countersign/auth-core';
import { countersign } from '@countersign/stack';
import { z } from 'zod';
import { backUp, heldWithin, restore } from './database-restored.js';
import { type Fault, type Scene } from './fault.js';
import { ask } from './http.js';
import { between } from './random.js';

/** Milliseconds for a revocation to be in force, and for the issuer to notice that it was restored. */
const LIMIT_MS = 20_000;

const noteSchema = z.looseObject({
  notes: z.looseObject({ restored_database: z.looseObject({ restored: z.boolean() }) }),
});

async function isRestored({ stack }: Scene): Promise<boolean> {
  const response = await fetch(`${stack.urls.issuer}/health/ready`);
  return noteSchema.parse(await response.json()).notes.restored_database.restored;
}

/** @returns the issuer's answer to an assertion that was made before, in words */
async function answerTo({ stack }: Scene, assertion: string): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'storefront',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    resource: stack.urls.payments,
    audience: 'payments',
    scope: 'payments:read',
  });
  const response = await fetch(`${stack.urls.issuer}/oauth2/token`, { method: 'POST', body });
  return `${String(response.status)} ${await response.text()}`;
}

/**
 * Only the issuer's database is restored under load: it notices, keeps what was revoked since, and refuses older assertions until an operator has
 * confirmed.
 */
export const restoreIssuer: Fault = {
  name: 'restore-issuer',
  drill: 'restore',
  async strike(scene) {
    const { stack, random, storefront, struck, wrong } = scene;
    const key = stack.identities.clients.storefront;
    await delay(between(random, 500, 1_000));
    await backUp(stack, 'issuer');
    const client = storefront.withKey(key);
    const { token } = await client.getToken({ audience: 'payments', scopes: ['payments:read'] });
    const isRefused = async (): Promise<boolean> =>
      (await ask('GET', `${stack.urls.payments}/payments?limit=1`, token)).status === 401;
    if (await isRefused()) wrong('a new token was refused');
    const revoked = await countersign(stack, 'revoke', 'token', token, '--no-with-derived', '--reason', 'drill');
    if (revoked.code !== 0) wrong(`countersign revoke token failed: ${revoked.said}${revoked.out}`);
    if (!(await heldWithin(LIMIT_MS, isRefused))) wrong('a revoked token was never refused');

    const assertion = await signClientAssertion({
      clientId: 'storefront',
      audience: stack.urls.issuer,
      key,
      lifetimeSeconds: 60,
    });
    await stack.stopService('issuer', 'SIGKILL');
    await restore(stack, 'issuer');
    await stack.startService('issuer');
    struck();
    if (!(await heldWithin(LIMIT_MS, () => isRestored(scene))))
      wrong('the issuer does not say in readiness that its database was restored');
    const older = await answerTo(scene, assertion);
    if (!older.startsWith('401')) wrong(`an assertion from before the restore was answered with ${older}`);
    const { token: fresh } = await storefront
      .withKey(key)
      .getToken({ audience: 'payments', scopes: ['payments:read'] });
    if ((await ask('GET', `${stack.urls.payments}/payments?limit=1`, fresh)).status !== 200)
      wrong('a token by a new assertion was refused after the restore');
    await delay(between(random, 1_000, 2_000));
    if (!(await isRefused())) wrong('a token that was revoked after the backup is accepted again');
    const listed = await countersign(stack, 'revoke', 'list', '--kind', 'token');
    if (!listed.out.includes('stated before')) wrong(`the revocation was not taken back: ${listed.out}${listed.said}`);
    const done = await countersign(stack, 'revoke', 'restored', '--acknowledge');
    if (done.code !== 0) wrong(`countersign revoke restored --acknowledge failed: ${done.said}${done.out}`);
    if (!(await heldWithin(LIMIT_MS, async () => !(await isRestored(scene)))))
      wrong('readiness still shows a restore that was acknowledged');
  },
};
