import { setTimeout as delay } from 'node:timers/promises';
import { TokenRequestError, type TokenClient } from '@countersign/auth-core';
import { moneyToJson } from '@countersign/money';
import { z } from 'zod';

export const ACCOUNTS_CLIENT = Symbol('countersign.payments.accounts-client');

export interface TransferOrder {
  /** The same id every time this transfer is ordered: accounts posts it once. */
  readonly id: string;
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly reference: string;
}

/**
 * What came of an order. `refused` is final and nothing was posted; `unknown` may have been posted, so it is ordered again under
 * the same id, never failed.
 */
export type TransferOutcome =
  | { readonly kind: 'posted' }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The only door to accounts. */
export interface AccountsClient {
  /**
   * @param subjectToken the caller's own access token, exchanged for one that names payments as the actor (RFC 8693)
   * @param traceparent W3C Trace Context of the request at hand
   */
  postTransfer(order: TransferOrder, subjectToken: string, traceparent: string): Promise<TransferOutcome>;
}

export interface AccountsClientOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly tokens: TokenClient;
  readonly attempts?: number;
}

const refusalSchema = z.object({ code: z.string(), detail: z.string() });

export function createAccountsClient({ url, timeoutMs, tokens, attempts = 3 }: AccountsClientOptions): AccountsClient {
  async function once(order: TransferOrder, subjectToken: string, traceparent: string): Promise<TransferOutcome> {
    try {
      const { token } = await tokens.exchange({
        subjectToken,
        audience: 'accounts',
        scopes: ['transfers:create'],
        traceparent,
      });
      const response = await fetch(`${url}/transfers`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', traceparent },
        body: JSON.stringify({
          id: order.id,
          debit_account: order.debitAccount,
          credit_account: order.creditAccount,
          amount: moneyToJson(order.amount, order.currency),
          reference: order.reference,
        }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body: unknown = await response.json().catch(() => undefined);
      if (response.ok) return { kind: 'posted' };
      const refusal = refusalSchema.safeParse(body);
      if (response.status === 422 && refusal.success) return { kind: 'refused', ...refusal.data };
      return { kind: 'unknown', reason: `accounts answered ${String(response.status)}` };
    } catch (error) {
      if (error instanceof TokenRequestError) return { kind: 'unknown', reason: `the issuer answered ${error.code}` };
      return { kind: 'unknown', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  return {
    async postTransfer(order, subjectToken, traceparent) {
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await once(order, subjectToken, traceparent);
        if (outcome.kind !== 'unknown' || attempt >= attempts) return outcome;
        await delay(50 * 2 ** attempt * (0.5 + Math.random()));
      }
    },
  };
}
