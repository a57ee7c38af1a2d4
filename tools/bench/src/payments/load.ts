import { randomUUID } from 'node:crypto';
import { createTokenClient } from '@countersign/auth-core';
import { Pool } from 'undici';
import { z } from 'zod';
import { percentile } from '../statistics.js';
import { type PaymentServices } from './services.js';

const madeSchema = z.looseObject({ id: z.string() });

/** Opens accounts: the first half may be overdrawn, the second takes. */
export async function openAccounts({ issuer, accounts, key }: PaymentServices, pairs: number) {
  const tokens = createTokenClient({ issuer, clientId: 'storefront', key });
  const { token } = await tokens.getToken({ audience: 'accounts', scopes: ['accounts:write', 'accounts:overdraft'] });
  const open = async (overdraft: string): Promise<string> => {
    const response = await fetch(`${accounts}/accounts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'bench', kind: 'liability', currency: 'EUR', overdraft }),
    });
    return madeSchema.parse(await response.json()).id;
  };
  const opened: { readonly from: string; readonly to: string }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) opened.push({ from: await open('allowed'), to: await open('forbidden') });
  return opened;
}

export interface Payer {
  readonly from: string;
  readonly to: string;
}

/** Pays over HTTP for so many seconds, by so many clients at once. @returns payments a second, and milliseconds at the 99th percentile */
export async function payInRound(
  services: PaymentServices,
  payers: readonly Payer[],
  clients: number,
  seconds: number,
  held: boolean,
): Promise<{ readonly perSecond: number; readonly p99: number }> {
  const { issuer, key } = services;
  const pool = new Pool(services.payments, { connections: clients, pipelining: 1 });
  const times: number[] = [];
  const post = async (path: string, token: string, body: object): Promise<string> => {
    const answer = await pool.request({
      method: 'POST',
      path,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
      },
      body: JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${path} was answered with ${String(answer.statusCode)}: ${text}`);
    return madeSchema.parse(JSON.parse(text)).id;
  };
  const tokens = await Promise.all(
    Array.from({ length: clients }, async () => {
      const own = createTokenClient({ issuer, clientId: 'storefront', key });
      return (await own.getToken({ audience: 'payments', scopes: ['payments:create'] })).token;
    }),
  );
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  const client = async (token: string, payer: Payer): Promise<void> => {
    while (performance.now() < until) {
      const asked = performance.now();
      const body = { ...payer, amount: { amount: '100', currency: 'EUR' }, ...(held ? { capture: 'manual' } : {}) };
      const id = await post('/payments', token, body);
      if (held) await post(`/payments/${id}/capture`, token, {});
      times.push(performance.now() - asked);
    }
  };
  await Promise.all(tokens.map((token, index) => client(token, payers[index % payers.length] ?? { from: '', to: '' })));
  const took = (performance.now() - startedAt) / 1_000;
  await pool.close();
  return { perSecond: times.length / took, p99: percentile(times, 0.99) };
}
