import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTokenClient, type TokenClient } from '@countersign/auth-core';
import { countersign, type ServiceName, serviceNames, type Stack, StackError } from '@countersign/stack';
import type pg from 'pg';
import { z } from 'zod';
import { asService } from './as-service.js';
import { allPages, ask } from './http.js';
import { entriesSchema, isUnderWay, paymentsSchema, type Entry, type Payment } from './money-check.js';
import { type Storefront } from './storefront.js';
import { readTrail, type Trail } from './trail-check.js';

/** Milliseconds for the outboxes to be empty once all runs again: what audit itself recorded while it was stopped takes two minutes. */
const TRAIL_LIMIT_MS = 240_000;

const amountSchema = z.object({ balance: z.object({ amount: z.coerce.number() }) });
const invariantsSchema = z.object({
  ok: z.boolean(),
  invariants: z.array(z.looseObject({ name: z.string(), ok: z.boolean() })),
});

async function text(url: string, token?: string): Promise<string> {
  const response = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} was answered with ${String(response.status)}: ${body.slice(0, 300)}`);
  return body;
}

/** A stack's state after the faults, queried over HTTP, by the command line, and in the services' own databases. */
export class Aftermath {
  readonly #auditor: TokenClient;

  /**
   * @param customer the account that paid
   * @param merchant the account that was paid
   */
  constructor(
    private readonly stack: Stack,
    private readonly storefront: Storefront,
    private readonly customer: string,
    private readonly merchant: string,
  ) {
    const { auditor } = stack.identities.clients;
    this.#auditor = createTokenClient({ issuer: stack.urls.issuer, clientId: 'auditor', key: auditor });
  }

  /** A service that ended by itself did not survive. */
  allLive(): void {
    for (const { name, child } of this.stack.services.values()) {
      if (!child.running()) throw new StackError(`${name} ended by itself. Its last lines:\n${child.lastLines()}`);
    }
  }

  #read(audience: 'payments' | 'accounts', scope: string): () => Promise<string> {
    return async () => (await this.storefront.getToken({ audience, scopes: [scope] })).token;
  }

  /** The load's payments, once recovery has finished or compensated what clients left. */
  async settled(patienceMs: number): Promise<readonly Payment[]> {
    const url = `${this.stack.urls.payments}/payments?account=${this.merchant}`;
    for (const deadline = Date.now() + patienceMs; ; await delay(250)) {
      const payments = await allPages(url, this.#read('payments', 'payments:read'), paymentsSchema, 'payments');
      if (!payments.some(isUnderWay) || Date.now() > deadline) return payments;
    }
  }

  /** The merchant's whole statement. */
  entries(): Promise<readonly Entry[]> {
    const url = `${this.stack.urls.accounts}/accounts/${this.merchant}/entries`;
    return allPages(url, this.#read('accounts', 'accounts:read'), entriesSchema, 'entries');
  }

  /**
   * What does not hold, in words: balances, the ledger's invariants, payments against accounts, the log.
   * @param kept checkpoints that the log must still lead to
   */
  async faults(trail: Trail, kept: readonly string[]): Promise<readonly string[]> {
    return [
      ...(await this.#balanceFaults()),
      ...(await this.#invariantFaults()),
      ...(await this.#reconciliationFaults()),
      ...(await this.#logFaults(trail, kept)),
    ];
  }

  /** An event is in the trail once audit has said so, and its row leaves the outbox; it is proven once a checkpoint covers it. */
  async trailComplete(): Promise<void> {
    for (const name of serviceNames) {
      await this.#until(name, `events of ${name} never reached the trail`, async (client) => {
        const { rowCount } = await client.query('select from audit_outbox_event limit 1');
        return rowCount === 0;
      });
    }
    await this.#until('audit', 'the newest events were never covered by a checkpoint', async (client) => {
      const { rows } = await client.query<{ next_index: string }>('select next_index from log_sequence');
      const [, size] = (await text(`${this.stack.urls.audit}/log/checkpoint`)).split('\n');
      return Number(size) >= Number(rows[0]?.next_index);
    });
  }

  /** Asks a service's own database until it says so. @throws {StackError} when it does not in time */
  async #until(name: ServiceName, otherwise: string, holds: (client: pg.Client) => Promise<boolean>): Promise<void> {
    await asService(this.stack, name, async (client) => {
      for (const deadline = Date.now() + TRAIL_LIMIT_MS; !(await holds(client)); await delay(100))
        if (Date.now() > deadline) throw new StackError(otherwise);
    });
  }

  /** An export of the whole trail, with its checkpoint. */
  async trail(): Promise<Trail> {
    const { token } = await this.#auditor.getToken({ audience: 'audit', scopes: ['audit:read'] });
    return readTrail(await text(`${this.stack.urls.audit}/events/export`, token));
  }

  async #balanceFaults(): Promise<readonly string[]> {
    const { token } = await this.storefront.getToken({ audience: 'accounts', scopes: ['accounts:read'] });
    const [from, to] = await Promise.all(
      [this.customer, this.merchant].map(async (id) => {
        const { body } = await ask('GET', `${this.stack.urls.accounts}/accounts/${id}`, token);
        return amountSchema.parse(body).balance.amount;
      }),
    );
    return from !== undefined && to !== undefined && from + to === 0
      ? []
      : [`the customer has ${String(from)}, the merchant ${String(to)}`];
  }

  async #invariantFaults(): Promise<readonly string[]> {
    const { token } = await this.#auditor.getToken({ audience: 'accounts', scopes: ['accounts:audit'] });
    const { body } = await ask('GET', `${this.stack.urls.accounts}/ledger/invariants`, token);
    const { ok, invariants } = invariantsSchema.parse(body);
    return ok
      ? []
      : invariants.filter((one) => !one.ok).map(({ name }) => `the ledger's invariant ${name} does not hold`);
  }

  /** `countersign payments reconcile`: whether payments and accounts agree. */
  async #reconciliationFaults(): Promise<readonly string[]> {
    const { code, said } = await countersign(this.stack, 'payments', 'reconcile');
    return code === 0 ? [] : [`payments and accounts differ: ${said.trim()}`];
  }

  /** `countersign audit verify`, on an export of the whole log, its checkpoint and those that were kept. */
  async #logFaults({ ndjson, checkpoint }: Trail, kept: readonly string[]): Promise<readonly string[]> {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-faults-'));
    const file = (name: string, content: string): string => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    try {
      const key = (await text(`${this.stack.urls.audit}/log/key`)).trim();
      const { code, said } = await countersign(
        this.stack,
        'audit',
        'verify',
        file('events.ndjson', ndjson),
        ...[checkpoint, ...kept].flatMap((one, index) => ['--checkpoint', file(`checkpoint-${String(index)}`, one)]),
        '--log-key',
        file('log.key', key),
      );
      return code === 0 ? [] : [`the log does not verify: ${said.trim()}`];
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}
