import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createTokenClient, type PrivateJwk, type TokenClient } from '@countersign/auth-core';
import { z } from 'zod';
import { StackError } from './stack-error.js';

const moneySchema = z.object({ amount: z.string(), currency: z.string() });
const accountSchema = z.object({ id: z.string(), name: z.string(), balance: moneySchema });
const paymentSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  amount: moneySchema,
  from: z.string(),
  to: z.string(),
});
const eventSchema = z.looseObject({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  time: z.string(),
  traceparent: z.string().optional(),
  data: z.looseObject({
    principal: z.looseObject({ subject: z.string(), client_id: z.string(), actors: z.array(z.string()) }).nullable(),
    action: z.string(),
    resource: z.string(),
    outcome: z.string(),
  }),
});
const pageSchema = z.object({ events: z.array(z.object({ event: eventSchema })) });

export type Account = z.infer<typeof accountSchema>;
export type Payment = z.infer<typeof paymentSchema>;
export type TrailEvent = z.infer<typeof eventSchema>;

export interface SampleTarget {
  readonly issuer: string;
  readonly payments: string;
  readonly accounts: string;
  readonly audit: string;
  readonly storefrontKey: PrivateJwk;
  readonly auditorKey: PrivateJwk;
  /** Lets tokens go by plain http beyond this machine; false by default. */
  readonly allowPlainHttp?: boolean;
}

export interface SampleResult {
  readonly ok: boolean;
  readonly payment: Payment;
  readonly balances: readonly Account[];
  readonly events: readonly TrailEvent[];
  readonly traceId: string;
}

/** What the sample waits for in the trail: each step of the payment's path, by its action and type. */
const expectedSteps = [
  { action: 'token:issue', type: 'countersign.issuer.token.issued.v1' },
  { action: 'payments:create', type: 'countersign.payments.payment.created.v1' },
  { action: 'token:exchange', type: 'countersign.issuer.token.issued.v1' },
  { action: 'transfers:create', type: 'countersign.accounts.transfer.posted.v1' },
  { action: 'payments:create', type: 'countersign.payments.payment.settled.v1' },
];

function isWhole(events: readonly TrailEvent[]): boolean {
  return expectedSteps.every((step) =>
    events.some(({ type, data }) => type === step.type && data.action === step.action),
  );
}

async function call<Schema extends z.ZodType>(
  schema: Schema,
  url: string,
  token: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<z.infer<Schema>> {
  const response = await fetch(url, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  if (!response.ok)
    throw new StackError(`${init.method ?? 'GET'} ${url} was answered with ${String(response.status)}: ${text}`);
  return schema.parse(JSON.parse(text));
}

async function openAccount(base: string, tokens: TokenClient, name: string, overdraft: string): Promise<Account> {
  const { token } = await tokens.getToken({ audience: 'accounts', scopes: ['accounts:write', 'accounts:overdraft'] });
  const body = JSON.stringify({ name, kind: 'liability', currency: 'EUR', overdraft });
  return call(accountSchema, `${base}/accounts`, token, { method: 'POST', body });
}

function tokensOf({ issuer, allowPlainHttp = false }: SampleTarget, clientId: string, key: PrivateJwk): TokenClient {
  return createTokenClient({ issuer, clientId, key, allowPlainHttp });
}

async function trail(target: SampleTarget, traceId: string, limitMs: number): Promise<readonly TrailEvent[]> {
  const auditor = tokensOf(target, 'auditor', target.auditorKey);
  const deadline = Date.now() + limitMs;
  for (;;) {
    const { token } = await auditor.getToken({ audience: 'audit', scopes: ['audit:read'] });
    const { events } = await call(pageSchema, `${target.audit}/events?trace=${traceId}`, token);
    const found = events.map(({ event }) => event).sort((a, b) => a.time.localeCompare(b.time));
    if (isWhole(found) || Date.now() > deadline) return found;
    await delay(100);
  }
}

/** Opens two accounts, pays from one to the other as `storefront`, and reads the trail of it as `auditor`. */
export async function makeSamplePayment(target: SampleTarget, limitMs = 15_000): Promise<SampleResult> {
  const traceId = randomBytes(16).toString('hex');
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
  const storefront = tokensOf(target, 'storefront', target.storefrontKey);
  const customer = await openAccount(target.accounts, storefront, 'customer', 'allowed');
  const merchant = await openAccount(target.accounts, storefront, 'merchant', 'forbidden');
  const { token } = await storefront.getToken({ audience: 'payments', scopes: ['payments:create'], traceparent });
  const payment = await call(paymentSchema, `${target.payments}/payments`, token, {
    method: 'POST',
    headers: { 'idempotency-key': randomUUID(), traceparent },
    body: JSON.stringify({
      amount: { amount: '1999', currency: 'EUR' },
      from: customer.id,
      to: merchant.id,
      reference: 'sample',
    }),
  });
  const reader = await storefront.getToken({ audience: 'accounts', scopes: ['accounts:read'] });
  const balances = [
    await call(accountSchema, `${target.accounts}/accounts/${customer.id}`, reader.token),
    await call(accountSchema, `${target.accounts}/accounts/${merchant.id}`, reader.token),
  ];
  const events = await trail(target, traceId, limitMs);
  return { ok: payment.status === 'settled' && isWhole(events), payment, balances, events, traceId };
}
