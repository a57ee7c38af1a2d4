import { type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CLIENT_ASSERTION_TYPE,
  generateSigningKey,
  publicJwkOf,
  signClientAssertion,
  type PrivateJwk,
} from '@countersign/auth-core';
import { freePort, startOwnBackingServices } from '@countersign/backing-services';
import { z } from 'zod';
import { type Benchmark } from './benchmark.js';
import { pathOf, startPinned, untilReady } from './processes.js';
import { validatorMessageSchema, type ValidatorMessage } from './revoke/validator-message.js';
import { median, percentile } from './statistics.js';

const VALIDATORS = 4;
/** Revocations a round. */
const REVOCATIONS = 20;
/** Verifications a millisecond in each validator. */
const VERIFICATIONS = 10;
/** Milliseconds between two tokens that the issuer mints beside. */
const MINT_EVERY_MS = 20;

const tokenSchema = z.object({ access_token: z.string() });

/** Asks an OAuth endpoint of the issuer as the benchmark's client. @throws when it is refused */
async function post(issuer: string, path: string, key: PrivateJwk, form: Record<string, string>): Promise<unknown> {
  const assertion = await signClientAssertion({ clientId: 'bench', audience: issuer, key });
  const body = new URLSearchParams({
    ...form,
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: assertion,
  });
  const response = await fetch(`${issuer}${path}`, { method: 'POST', body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${String(response.status)}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function newToken(issuer: string, key: PrivateJwk, audience = 'payments', scope = 'payments:create') {
  const form = { grant_type: 'client_credentials', audience, scope };
  return tokenSchema.parse(await post(issuer, '/oauth2/token', key, form)).access_token;
}

/** The next message of a validator. @throws when it says that it failed */
async function heard(child: ChildProcess): Promise<ValidatorMessage> {
  const [message]: unknown[] = await once(child, 'message', { signal: AbortSignal.timeout(60_000) });
  const parsed = validatorMessageSchema.parse(message);
  if ('failed' in parsed) throw new Error(parsed.failed);
  return parsed;
}

/** What one revocation is about: something that validators accept, and how it is revoked. */
interface Revocable {
  readonly text: string;
  revoke(): Promise<unknown>;
}

async function newRevocableToken(issuer: string, key: PrivateJwk): Promise<Revocable> {
  const text = await newToken(issuer, key);
  return { text, revoke: () => post(issuer, '/oauth2/revoke', key, { token: text }) };
}

const apiKeySchema = z.object({ id: z.string(), api_key: z.string() });

async function newRevocableKey(issuer: string, adminToken: string): Promise<Revocable> {
  const admin = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${issuer}/admin/api-keys${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${String(response.status)}: ${text}`);
    return JSON.parse(text);
  };
  const audiences = { payments: ['payments:create'] };
  const made = apiKeySchema.parse(await admin('', { client_id: 'bench', name: 'bench', audiences }));
  return { text: made.api_key, revoke: () => admin(`/${made.id}/revoke`, {}) };
}

/** Milliseconds from the answer of a revocation until the last validator refuses what it is about; 0 when all did before the answer was there. */
async function revokeOne({ text, revoke }: Revocable, validators: readonly ChildProcess[]): Promise<number> {
  const watching = validators.map(heard);
  for (const child of validators) child.send({ watch: text });
  await Promise.all(watching);
  const refused = validators.map(heard);
  await revoke();
  const answeredAt = process.hrtime.bigint();
  const times = (await Promise.all(refused)).map((message) =>
    'refusedAt' in message ? Number(BigInt(message.refusedAt) - answeredAt) / 1e6 : Number.NaN,
  );
  return Math.max(0, ...times);
}

const benchmark: Benchmark = {
  description:
    'from the issuer’s answer to a revocation until the last of four validators refuses the token, or the API key; each verifies 10,000 tokens per second, the issuer mints 50, and each commit is on disk (fsync).',
  async run({ rounds, progress, measured }) {
    const folder = mkdtempSync(join(tmpdir(), 'revoke-'));
    const key = await generateSigningKey();
    const backing = await startOwnBackingServices({ durable: true });
    const port = await freePort();
    const issuer = `http://127.0.0.1:${String(port)}`;
    const clientKey = await generateSigningKey();
    const policy = { audiences: { payments: ['payments:create'], issuer: ['issuer:admin'] } };
    const clients = [
      { client_id: 'bench', jwks: { keys: [publicJwkOf(key)] }, policy },
      { client_id: 'payments', jwks: { keys: [publicJwkOf(clientKey)] }, policy: { audiences: {} } },
    ];
    writeFileSync(join(folder, 'clients.json'), JSON.stringify({ clients }));
    const server = startPinned(pathOf('../../../apps/issuer/dist/main.js'), 0, {
      PORT: String(port),
      ISSUER_URL: issuer,
      LOG_LEVEL: 'warn',
      DATABASE_URL: await backing.database('issuer'),
      NATS_URL: backing.nats.url,
      NATS_USER: 'issuer',
      NATS_PASSWORD: backing.passwords.issuer,
      CLIENTS_FILE: join(folder, 'clients.json'),
      KEY_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64url')}`,
      RATE_LIMIT_CLIENT_PER_MINUTE: '0',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '0',
    });
    const children = [server];
    let loaded = true;
    try {
      await untilReady(`${issuer}/health/ready`, server);
      const settings = {
        issuer,
        clientKey,
        nats: backing.nats.url,
        user: 'payments',
        password: backing.passwords.payments,
      };
      const validators = Array.from({ length: VALIDATORS }, (_, index) =>
        startPinned(pathOf('revoke/validator.js'), index, {
          REVOKE_VALIDATOR: JSON.stringify({ ...settings, load: VERIFICATIONS }),
        }),
      );
      children.push(...validators);
      await Promise.all(validators.map(heard));
      const minting = (async () => {
        while (loaded) {
          await newToken(issuer, key);
          await delay(MINT_EVERY_MS);
        }
      })();
      const times: number[] = [];
      const keyTimes: number[] = [];
      for (let round = -1; round < rounds; round += 1) {
        progress(`round ${String(round)}`);
        const adminToken = await newToken(issuer, key, 'issuer', 'issuer:admin');
        for (let count = 0; count < REVOCATIONS; count += 1) {
          const ofToken = await revokeOne(await newRevocableToken(issuer, key), validators);
          const ofKey = await revokeOne(await newRevocableKey(issuer, adminToken), validators);
          if (round < 0) continue;
          times.push(ofToken);
          keyTimes.push(ofKey);
        }
      }
      loaded = false;
      await minting;
      measured('revocations', times.length, '');
      measured('validators', VALIDATORS, '');
      measured('median', median(times), 'ms');
      measured('worst', Math.max(...times), 'ms');
      measured('API key: median', median(keyTimes), 'ms');
      measured('API key: worst', Math.max(...keyTimes), 'ms');
      return [
        { metric: 'revoke.p99_ms', value: percentile(times, 0.99), goal: 10, better: 'lower' },
        { metric: 'revoke.api_key.p99_ms', value: percentile(keyTimes, 0.99), goal: 10, better: 'lower' },
      ];
    } finally {
      loaded = false;
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
      await backing.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
