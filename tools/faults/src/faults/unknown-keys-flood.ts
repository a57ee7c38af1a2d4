import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { answeredRequests } from './answered-requests.js';
import { type Fault } from './fault.js';
import { flood, type FloodToken } from './flood.js';
import { between } from './random.js';

/** Longer than a validator's cool-down, so that one fetch after another could be had. */
const FLOOD_MS = 12_000;

/** Seconds between two fetches that unknown keys cause, and between two in the background, at least (less a tenth, so that validators do not ask together). */
const FETCH_EVERY_SECONDS = 9;

/** Validators that fetch keys: payments, accounts, audit. */
const VALIDATORS = 3;

/** A token with an unknown key: its `kid` is new each time. */
function unknownKeyToken(): FloodToken {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = encode({ alg: 'ES256', kid: randomBytes(32).toString('base64url'), typ: 'at+jwt' });
  return {
    token: `${header}.${encode({ sub: 'nobody' })}.${randomBytes(64).toString('base64url')}`,
    code: 'KEY_UNKNOWN',
  };
}

/** A new `kid` in every request to payments and accounts: the issuer is not asked for each, and honest clients notice nothing. */
export const unknownKeysFlood: Fault = {
  name: 'unknown-keys-flood',
  unfelt: true,
  async strike(scene) {
    const { stack, random, wrong } = scene;
    const fetches = (): Promise<number> => answeredRequests(stack, 'issuer', { route: '/.well-known/jwks.json' });
    await delay(between(random, 200, 700));
    const [before, begun] = [await fetches(), Date.now()];
    const sent = await flood(scene, unknownKeyToken, FLOOD_MS);
    const made = (await fetches()) - before;
    const seconds = (Date.now() - begun) / 1_000;
    // Each validator may have fetched for an unknown key and in the background, at the beginning and then once in a while.
    const limit = VALIDATORS * 2 * (1 + Math.floor(seconds / FETCH_EVERY_SECONDS));
    if (made > limit)
      wrong(`${String(sent)} unknown keys made ${String(made)} fetches of the keys, not ${String(limit)}`);
    if (made === 0) wrong('no unknown key was ever looked for');
    if (sent < 10 * limit) wrong(`${String(sent)} requests are no flood`);
  },
};
