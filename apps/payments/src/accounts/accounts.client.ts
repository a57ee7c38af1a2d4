import { type ServiceCalls } from '@countersign/auth';
import { clientWide } from '@countersign/auth-core';
import { moneyToJson, type MoneyJson } from '@countersign/money';
import { unattended } from '@countersign/service-host';
import { z } from 'zod';
import { concluded, saysNothing } from './accounts-answer.js';
import { transferPageSchema, type LedgerTransfer, type TransferPage } from './ledger-transfer.js';
import { type TransferOutcome } from './transfer-state.js';

export const ACCOUNTS_CLIENT = Symbol('countersign.payments.accounts-client');

export interface TransferOrder {
  /** The same id every time this transfer is requested: accounts executes it once. */
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
  /** The caller's own access token, exchanged for one that names payments as the actor (RFC 8693); without it payments acts for itself. */
  readonly subjectToken?: string;
  /** Whether the client acts with a client-wide scope: then payments requests the corresponding one at accounts. */
  readonly forClient?: boolean;
  /** W3C Trace Context of the work at hand. */
  readonly traceparent: string;
}

const ending = ({ forClient = false }: Authority): readonly string[] =>
  forClient ? ['transfers:create', clientWide('transfers:create')] : ['transfers:create'];

/** Whether an account belongs to somebody, according to accounts. `unknown`: no answer. */
export type Ownership = 'owner' | 'stranger' | { readonly unknown: string };

/** The only client of accounts: exchange, deadline, retries with jitter, circuit breaker. It never rejects. */
export interface AccountsClient {
  /** @param asCorrector with `transfers:correct`: takes from an account that does not belong to the subject, to pay back what it corrects */
  order(order: TransferOrder, authority: Authority, asCorrector?: boolean): Promise<TransferOutcome>;
  /** Posts a hold, or a part of it; the rest is released. */
  post(transferId: string, amount: MoneyJson, authority: Authority): Promise<TransferOutcome>;
  /** Releases a hold. */
  void(transferId: string, authority: Authority): Promise<TransferOutcome>;
  read(transferId: string, authority: Authority): Promise<TransferOutcome>;
  /** Whether the account is this subject's, whose token is in the authority. */
  ownership(
    accountId: string,
    subject: string,
    authority: Authority & { readonly subjectToken: string },
  ): Promise<Ownership>;
  /** A page of the transfers that payments made, in the order of their ids, with payments' own rights. `unknown`: accounts did not answer. */
  list(after: string, limit: number): Promise<TransferPage | { readonly unknown: string }>;
  /** One of them with everything stored about it, with payments' own rights; undefined if there is none. */
  find(transferId: string): Promise<LedgerTransfer | undefined | { readonly unknown: string }>;
  /** The state of the circuit breaker. */
  circuit(): 'closed' | 'open' | 'half-open';
}

export interface AccountsClientOptions {
  readonly calls: ServiceCalls;
  /** Where accounts listens. */
  readonly url: string;
  /** Milliseconds that one request may take. */
  readonly timeoutMs: number;
  /** Milliseconds that all attempts together may take. */
  readonly deadlineMs: number;
  readonly now?: () => Date;
}

const accountSchema = z.looseObject({ owner: z.string() });
/** The largest smaller id: a list that starts after it starts with this id. */
function idBefore(id: string): string {
  const before = (BigInt(`0x${id.replaceAll('-', '')}`) - 1n).toString(16).padStart(32, '0');
  return before.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly scopes: readonly string[];
  readonly body?: object;
  readonly absentWhen404: boolean;
  readonly holdSeconds?: number | undefined;
}

export function createAccountsClient(options: AccountsClientOptions): AccountsClient {
  const { calls, url, timeoutMs, deadlineMs, now = () => new Date() } = options;

  async function call(
    { method, path, scopes, body, absentWhen404, holdSeconds = 0 }: Call,
    { subjectToken, traceparent }: Authority,
  ): Promise<TransferOutcome> {
    const holdUntil = new Date(now().getTime() + holdSeconds * 1_000);
    const answer = await calls.send({
      method,
      url: url + path,
      audience: 'accounts',
      scopes,
      traceparent,
      timeoutMs,
      deadlineMs,
      // The transfer's id is in the path or the body: accounts executes each once.
      repeatable: true,
      mayPass: saysNothing,
      ...(body === undefined ? {} : { json: body }),
      ...(subjectToken === undefined ? {} : { onBehalfOf: subjectToken }),
    });
    return concluded(answer, absentWhen404, holdUntil);
  }

  async function page(after: string, limit: number): Promise<TransferPage | { readonly unknown: string }> {
    const answer = await calls.send({
      method: 'GET',
      url: `${url}/transfers?limit=${String(limit)}&cursor=${encodeURIComponent(after)}`,
      audience: 'accounts',
      scopes: ['transfers:read'],
      traceparent: unattended().traceparent,
      timeoutMs,
      deadlineMs,
      repeatable: true,
      mayPass: saysNothing,
    });
    if (answer.kind === 'failed') return { unknown: `${answer.code}: ${answer.reason}` };
    const parsed = transferPageSchema.safeParse(answer.body);
    if (answer.status !== 200 || !parsed.success) return { unknown: `accounts answered ${String(answer.status)}` };
    return { transfers: parsed.data.transfers, nextCursor: parsed.data.next_cursor };
  }

  const path = (id: string): string => `/transfers/${encodeURIComponent(id)}`;
  return {
    order: (
      { id, debitAccount, creditAccount, amount, currency, reference, holdSeconds, corrects },
      authority,
      asCorrector = false,
    ) =>
      call(
        {
          method: 'POST',
          path: '/transfers',
          scopes: asCorrector ? ['transfers:create', 'transfers:correct'] : ['transfers:create'],
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
        {
          method: 'POST',
          path: `${path(id)}/post`,
          scopes: ending(authority),
          body: { amount },
          absentWhen404: true,
        },
        authority,
      ),
    void: (id, authority) =>
      call(
        { method: 'POST', path: `${path(id)}/void`, scopes: ending(authority), body: {}, absentWhen404: true },
        authority,
      ),
    read: (id, authority) =>
      call({ method: 'GET', path: path(id), scopes: ['transfers:read'], absentWhen404: true }, authority),
    async ownership(accountId, subject, { subjectToken, traceparent }) {
      const answer = await calls.send({
        method: 'GET',
        url: `${url}/accounts/${encodeURIComponent(accountId)}`,
        audience: 'accounts',
        scopes: ['accounts:read'],
        traceparent,
        timeoutMs,
        deadlineMs,
        repeatable: true,
        mayPass: saysNothing,
        onBehalfOf: subjectToken,
      });
      if (answer.kind === 'failed') return { unknown: `${answer.code}: ${answer.reason}` };
      if (answer.status === 404) return 'stranger';
      const account = accountSchema.safeParse(answer.body);
      if (answer.status !== 200 || !account.success) return { unknown: `accounts answered ${String(answer.status)}` };
      return account.data.owner === subject ? 'owner' : 'stranger';
    },
    list: page,
    async find(transferId) {
      // The list contains the maker, which the transfer itself does not.
      const found = await page(idBefore(transferId), 1);
      return 'unknown' in found ? found : found.transfers.find(({ id }) => id === transferId);
    },
    circuit: () => calls.circuit(url),
  };
}
