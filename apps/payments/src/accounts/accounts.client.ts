import { TokenRequestError, type TokenClient } from '@countersign/auth-core';
import { moneySchema, moneyToJson, type MoneyJson } from '@countersign/money';
import {
  circuitBreaker,
  CircuitState,
  ExponentialBackoff,
  handleWhenResult,
  retry,
  SamplingBreaker,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { z } from 'zod';
import { wasNotSent, type AccountsAnswer, type Send } from './accounts-connection.js';
import { type TransferOutcome } from './transfer-state.js';

export const ACCOUNTS_CLIENT = Symbol('countersign.payments.accounts-client');

export interface TransferOrder {
  /** The same id every time this transfer is ordered: accounts carries it out once. */
  readonly id: string;
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly reference: string;
  /** Seconds to hold the money instead of moving it. */
  readonly holdSeconds?: number;
  /** The transfer that this one pays back. */
  readonly corrects?: string;
}

/** On whose behalf accounts is called. */
export interface Authority {
  /** The caller's own access token, exchanged for one that names payments as the actor (RFC 8693); without it payments speaks for itself. */
  readonly subjectToken?: string;
  /** W3C Trace Context of the work at hand. */
  readonly traceparent: string;
}

/** The only door to accounts: exchange, deadline, retries with jitter, circuit breaker. It never rejects. */
export interface AccountsClient {
  order(order: TransferOrder, authority: Authority): Promise<TransferOutcome>;
  /** Posts a hold, or a part of it; the rest is released. */
  post(transferId: string, amount: MoneyJson, authority: Authority): Promise<TransferOutcome>;
  /** Releases a hold. */
  void(transferId: string, authority: Authority): Promise<TransferOutcome>;
  read(transferId: string, authority: Authority): Promise<TransferOutcome>;
  /** How the circuit breaker stands. */
  circuit(): 'closed' | 'open' | 'half-open';
}

export interface AccountsClientOptions {
  readonly send: Send;
  readonly tokens: TokenClient;
  /** Milliseconds that one request may take. */
  readonly timeoutMs: number;
  /** Milliseconds that all tries together may take. */
  readonly deadlineMs: number;
  /** Milliseconds before the first retry, doubled with each, with jitter; 50 by default. */
  readonly retryDelayMs?: number;
  readonly now?: () => Date;
}

/** Tries after the first. */
const RETRIES = 2;

const transferSchema = z.looseObject({
  status: z.enum(['held', 'posted', 'voided', 'expired']),
  hold: z.looseObject({ expires_at: z.iso.datetime(), posted_amount: moneySchema.nullish() }).nullish(),
});
const refusalSchema = z.looseObject({ code: z.string().max(100), detail: z.string().max(500) });

/** Statuses that say nothing about the order itself: the caller's token, load, a fault. */
const passing = new Set([401, 408, 409, 425, 429]);

function outcomeOf({ status, body }: AccountsAnswer, absentWhen404: boolean, holdUntil: Date): TransferOutcome {
  if (status < 300) {
    const transfer = transferSchema.safeParse(body);
    if (!transfer.success) return { kind: 'unknown', reason: 'accounts answered no transfer', sent: true };
    const { status: state, hold } = transfer.data;
    const posted = hold?.posted_amount?.amount;
    if (state === 'posted') return { kind: state, ...(posted === undefined ? {} : { amount: posted }) };
    if (state !== 'held') return { kind: state };
    return { kind: 'held', expiresAt: hold === undefined || hold === null ? holdUntil : new Date(hold.expires_at) };
  }
  const refusal = refusalSchema.safeParse(body);
  if (status === 404 && absentWhen404) return { kind: 'absent' };
  if (status < 500 && !passing.has(status) && refusal.success) {
    const { code, detail } = refusal.data;
    return code === 'HOLD_EXPIRED' ? { kind: 'expired' } : { kind: 'refused', code, detail };
  }
  return { kind: 'unknown', reason: `accounts answered ${String(status)}`, sent: true };
}

const circuits = { [CircuitState.Closed]: 'closed', [CircuitState.HalfOpen]: 'half-open' } as const;

export function createAccountsClient(options: AccountsClientOptions): AccountsClient {
  const { send, tokens, timeoutMs, deadlineMs, retryDelayMs = 50, now = () => new Date() } = options;
  const failing = handleWhenResult((result) => isOutcome(result) && result.kind === 'unknown');
  const breaker = circuitBreaker(failing, {
    halfOpenAfter: new ExponentialBackoff({ initialDelay: 500, maxDelay: 10_000 }),
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 }),
  });
  const policy = wrap(
    timeout(deadlineMs, TimeoutStrategy.Aggressive),
    retry(failing, {
      maxAttempts: RETRIES,
      backoff: new ExponentialBackoff({ initialDelay: retryDelayMs, maxDelay: 2_000 }),
    }),
    breaker,
  );

  async function tokenFor(scope: string, { subjectToken, traceparent }: Authority): Promise<string> {
    const wish = { audience: 'accounts', scopes: [scope], traceparent };
    const { token } = await (subjectToken === undefined
      ? tokens.getToken(wish)
      : tokens.exchange({ ...wish, subjectToken }));
    return token;
  }

  interface Call {
    readonly method: 'GET' | 'POST';
    readonly path: string;
    readonly scope: string;
    readonly body?: object;
    readonly absentWhen404: boolean;
    readonly holdSeconds?: number | undefined;
  }

  async function call(
    { method, path, scope, body, absentWhen404, holdSeconds = 0 }: Call,
    authority: Authority,
  ): Promise<TransferOutcome> {
    let token: string;
    try {
      token = await tokenFor(scope, authority);
    } catch (error) {
      const reason = error instanceof TokenRequestError ? `the issuer answered ${error.code}` : wordsOf(error);
      return { kind: 'unknown', reason, sent: false };
    }
    const holdUntil = new Date(now().getTime() + holdSeconds * 1_000);
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, traceparent: authority.traceparent };
    if (body !== undefined) headers['content-type'] = 'application/json';
    let unanswered = false;
    const once = async (signal: AbortSignal): Promise<TransferOutcome> => {
      const before = unanswered;
      unanswered = true;
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
        const request = {
          method,
          path,
          headers,
          signal: limit,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        };
        const outcome = outcomeOf(await send(request), absentWhen404, holdUntil);
        if (outcome.kind === 'unknown') return outcome;
        unanswered = before;
        return outcome;
      } catch (error) {
        if (wasNotSent(error)) unanswered = before;
        return { kind: 'unknown', reason: wordsOf(error), sent: unanswered };
      }
    };
    try {
      const outcome = await policy.execute(({ signal }) => once(signal));
      if (outcome.kind === 'unknown') return { ...outcome, sent: unanswered };
      if (outcome.kind === 'refused' && unanswered) {
        return { kind: 'unknown', reason: `${outcome.code}, while an earlier order was not answered`, sent: true };
      }
      return outcome;
    } catch (error) {
      return { kind: 'unknown', reason: wordsOf(error), sent: unanswered };
    }
  }

  const path = (id: string): string => `/transfers/${encodeURIComponent(id)}`;
  return {
    order: ({ id, debitAccount, creditAccount, amount, currency, reference, holdSeconds, corrects }, authority) =>
      call(
        {
          method: 'POST',
          path: '/transfers',
          scope: 'transfers:create',
          body: {
            id,
            debit_account: debitAccount,
            credit_account: creditAccount,
            amount: moneyToJson(amount, currency),
            reference,
            ...(holdSeconds === undefined ? {} : { hold: { expires_in_seconds: holdSeconds } }),
            ...(corrects === undefined ? {} : { corrects }),
          },
          absentWhen404: false,
          holdSeconds,
        },
        authority,
      ),
    post: (id, amount, authority) =>
      call(
        { method: 'POST', path: `${path(id)}/post`, scope: 'transfers:create', body: { amount }, absentWhen404: true },
        authority,
      ),
    void: (id, authority) =>
      call(
        { method: 'POST', path: `${path(id)}/void`, scope: 'transfers:create', body: {}, absentWhen404: true },
        authority,
      ),
    read: (id, authority) =>
      call({ method: 'GET', path: path(id), scope: 'transfers:read', absentWhen404: true }, authority),
    circuit: () => {
      const { state } = breaker;
      return state === CircuitState.Closed || state === CircuitState.HalfOpen ? circuits[state] : 'open';
    },
  };
}

function isOutcome(result: unknown): result is TransferOutcome {
  return typeof result === 'object' && result !== null && 'kind' in result;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
