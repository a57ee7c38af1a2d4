import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTokenClient, type TokenClient } from '@countersign/auth-core';
import { countersign, type ServiceName, serviceNames, type Stack, StackError } from '@countersign/stack';
import type pg from 'pg';
import { z } from 'zod';
import { asService } from './as-service.js';
import { type Dealt } from './deal.js';
import { type Fault } from './fault.js';
import { allPages, ask } from './http.js';
import { Load } from './load.js';
import { entriesSchema, isUnderWay, moneyFaults, paymentsSchema, type Payment } from './money-check.js';
import { openAccount } from './open-account.js';
import { type Random } from './random.js';
import { SignalWatch, type SeenSignal } from './signal-watch.js';
import { Storefront } from './storefront.js';
import { readTrail, trailFaults, type Trail } from './trail-check.js';

export interface RoundOptions {
  /** Clients that pay at the same time. */
  readonly clients: number;
  readonly random: Random;
}

/** What was found once the faults were over. */
export interface RoundReport {
  readonly payments: number;
  /** Requests that clients had to send again. */
  readonly retries: number;
  /** Clients that went away without an answer. */
  readonly left: number;
  /** Payments of such clients that recovery may not conclude yet: an order of theirs may still be on its way. */
  readonly underWay: number;
  readonly transfers: number;
  /** Events in the trail, all of them verified. */
  readonly events: number;
  /** What the fault itself counted. */
  readonly counts: Readonly<Record<string, number>>;
  /** Signals of the fault within five seconds: checks and notes of readiness, and metrics, by service. */
  readonly signals: readonly SeenSignal[];
  /** What must not be, in words; empty when everything held. */
  readonly wrong: readonly string[];
}

/** Milliseconds for which clients keep paying after the last fault. */
const AFTER_MS = 1_000;

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

/** Payments made on a stack while faults strike it; then everything is examined. */
export class Round {
  readonly #storefront: Storefront;
  readonly #auditor: TokenClient;
  readonly #wrong: string[] = [];
  readonly #kept: string[] = [];
  #dealt: readonly Dealt[] = [];
  #relearned = false;
  #signals: readonly SeenSignal[] = [];
  #counts: Readonly<Record<string, number>> = {};
  #from = '';
  #to = '';

  constructor(
    private readonly stack: Stack,
    private readonly options: RoundOptions,
  ) {
    const { auditor } = stack.identities.clients;
    this.#storefront = new Storefront(stack);
    this.#auditor = createTokenClient({ issuer: stack.urls.issuer, clientId: 'auditor', key: auditor });
  }

  /** Lets clients pay while the faults strike one after the other; returns when all clients have ended what they began. */
  async strike(faults: readonly Fault[]): Promise<void> {
    const { random, clients } = this.options;
    this.#from = await openAccount(this.stack, this.#storefront, 'allowed');
    this.#to = await openAccount(this.stack, this.#storefront, 'forbidden');
    const load = new Load({
      payments: this.stack.urls.payments,
      storefront: this.#storefront,
      from: this.#from,
      to: this.#to,
      clients,
      tag: this.#to,
      random,
    });
    try {
      const wrong = (what: string): void => void this.#wrong.push(what);
      const keepCheckpoint = (checkpoint: string): void => void this.#kept.push(checkpoint);
      this.#relearned = faults.some(({ relearns }) => relearns === true);
      const watch = await SignalWatch.begin(this.stack);
      const struck = (): void => {
        watch.struck();
      };
      const note = (counts: Readonly<Record<string, number>>): void => void (this.#counts = counts);
      const scene = {
        stack: this.stack,
        random,
        storefront: this.#storefront,
        load,
        keepCheckpoint,
        struck,
        note,
        wrong,
      };
      try {
        for (const fault of faults) await fault.strike(scene);
      } finally {
        this.#signals = await watch.end();
      }
      await delay(AFTER_MS);
    } finally {
      this.#dealt = await load.stop();
    }
    if (faults.every(({ unfelt }) => unfelt === true))
      this.#wrong.push(...this.#dealt.flatMap(({ failures }) => failures));
  }

  /** @param patienceMs how long recovery may take for what clients left behind */
  async check(patienceMs: number): Promise<RoundReport> {
    this.#allLive();
    const payments = await this.#settled(patienceMs);
    const entries = await allPages(
      `${this.stack.urls.accounts}/accounts/${this.#to}/entries`,
      this.#read('accounts', 'accounts:read'),
      entriesSchema,
      'entries',
    );
    await this.#trailComplete();
    const trail = await this.#trail();
    return {
      payments: payments.length,
      retries: this.#dealt.reduce((sum, { retries }) => sum + retries, 0),
      left: this.#dealt.filter(({ answered }) => answered === undefined).length,
      underWay: payments.filter(isUnderWay).length,
      transfers: new Set(entries.map(({ transfer_id }) => transfer_id)).size,
      events: trail.events,
      counts: this.#counts,
      signals: this.#signals,
      wrong: [
        ...this.#wrong,
        ...moneyFaults(this.#dealt, payments, entries),
        ...trailFaults(trail, payments, entries, this.#relearned),
        ...(await this.#balanceFaults()),
        ...(await this.#invariantFaults()),
        ...(await this.#reconciliationFaults()),
        ...(await this.#verify(trail)),
      ],
    };
  }

  /** A service that ended by itself did not survive. */
  #allLive(): void {
    for (const { name, child } of this.stack.services.values()) {
      if (!child.running()) throw new StackError(`${name} ended by itself. Its last lines:\n${child.lastLines()}`);
    }
  }

  #read(audience: 'payments' | 'accounts', scope: string): () => Promise<string> {
    return async () => (await this.#storefront.getToken({ audience, scopes: [scope] })).token;
  }

  /** The load's payments, once recovery has finished or compensated what clients left. */
  async #settled(patienceMs: number): Promise<readonly Payment[]> {
    const url = `${this.stack.urls.payments}/payments?account=${this.#to}`;
    for (const deadline = Date.now() + patienceMs; ; await delay(250)) {
      const payments = await allPages(url, this.#read('payments', 'payments:read'), paymentsSchema, 'payments');
      if (!payments.some(isUnderWay) || Date.now() > deadline) return payments;
    }
  }

  /** An event is in the trail once audit has said so, and its row leaves the outbox; it is proven once a checkpoint covers it. */
  async #trailComplete(): Promise<void> {
    for (const name of serviceNames) {
      await this.#until(name, `events of ${name} never reached the trail`, async (client) => {
        const { rowCount } = await client.query('select from audit_outbox limit 1');
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

  async #trail(): Promise<Trail> {
    const { token } = await this.#auditor.getToken({ audience: 'audit', scopes: ['audit:read'] });
    return readTrail(await text(`${this.stack.urls.audit}/events/export`, token));
  }

  async #balanceFaults(): Promise<readonly string[]> {
    const { token } = await this.#storefront.getToken({ audience: 'accounts', scopes: ['accounts:read'] });
    const [from, to] = await Promise.all(
      [this.#from, this.#to].map(async (id) => {
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
  async #verify({ ndjson, checkpoint }: Trail): Promise<readonly string[]> {
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
        ...[checkpoint, ...this.#kept].flatMap((one, index) => [
          '--checkpoint',
          file(`checkpoint-${String(index)}`, one),
        ]),
        '--log-key',
        file('log.key', key),
      );
      return code === 0 ? [] : [`the log does not verify: ${said.trim()}`];
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}
