import { setTimeout as delay } from 'node:timers/promises';
import { countersign, serviceNames, type Stack } from '@countersign/stack';
import { z } from 'zod';
import { answeredRequests } from './answered-requests.js';
import { type Fault, type Scene } from './fault.js';
import { ask } from './http.js';
import { between } from './random.js';

const ROTATIONS = 3;

/** Milliseconds for which tokens are examined after the last rotation. */
const AFTERWARDS_MS = 1_000;

const keysSchema = z.object({
  keys: z.array(z.looseObject({ kid: z.string(), state: z.string(), usable_from: z.iso.datetime() })),
});
const headerSchema = z.looseObject({ kid: z.string() });
type Keys = z.infer<typeof keysSchema>['keys'];

async function keys(stack: Stack, verb: 'list' | 'rotate'): Promise<Keys> {
  const { code, out, said } = await countersign(stack, '--json', 'keys', verb);
  if (code !== 0) throw new Error(`countersign keys ${verb} failed: ${said}${out}`);
  return keysSchema.parse(JSON.parse(out)).keys;
}

const signerOf = (token: string): string =>
  headerSchema.parse(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())).kid;

/** A process that requests a new token again and again, and uses it immediately. */
async function useNewTokens({ stack, storefront, wrong }: Scene, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { identities, urls } = stack;
  const signers = new Set<string>();
  while (!signal.aborted) {
    for (const [audience, url] of [
      ['payments', `${urls.payments}/payments?limit=1`],
      ['accounts', `${urls.accounts}/accounts/00000000-0000-7000-8000-000000000000`],
    ] as const) {
      const client = storefront.withKey(identities.clients.storefront);
      const { token } = await client.getToken({ audience, scopes: [`${audience}:read`] });
      signers.add(signerOf(token));
      const { status, body } = await ask('GET', url, token);
      if (status === 401 || status >= 500)
        wrong(`a new token was answered by ${audience} with ${String(status)} ${JSON.stringify(body)}`);
    }
    await delay(20);
  }
  return signers;
}

/** The issuer's signing key is rotated some times, as an operator does it; every token stays valid, old or new. */
export const signingKeyRotated: Fault = {
  name: 'signing-key-rotated',
  drill: 'rotation',
  unfelt: true,
  async strike(scene) {
    const { stack, random, wrong } = scene;
    const refused = (): Promise<readonly number[]> =>
      Promise.all(serviceNames.map((name) => answeredRequests(stack, name, { status: 401 })));
    const before = await refused();
    const over = new AbortController();
    const using = useNewTokens(scene, over.signal);
    const active: string[] = [];
    try {
      for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
        const pending = (await keys(stack, 'list')).find(({ state }) => state === 'pending');
        if (pending === undefined) throw new Error('the issuer has no pending key');
        await delay(Math.max(Date.parse(pending.usable_from) - Date.now(), 0) + between(random, 50, 500));
        const after = await keys(stack, 'rotate');
        const now = after.find(({ state }) => state === 'active')?.kid;
        if (now !== pending.kid) wrong(`after a rotation ${String(now)} signs instead of ${pending.kid}`);
        active.push(pending.kid);
      }
      await delay(AFTERWARDS_MS);
    } finally {
      over.abort();
    }
    const signers = await using;
    for (const kid of active.filter((one) => !signers.has(one))) wrong(`no token was ever signed by ${kid}`);
    for (const [index, count] of (await refused()).entries()) {
      const more = count - (before[index] ?? 0);
      if (more > 0) wrong(`${String(serviceNames[index])} refused ${String(more)} tokens`);
    }
  },
};
