import { Inject, Injectable, type OnModuleInit, type Provider, type Type } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import { Background } from '../background.js';
import { type Caller } from '../trail/caller.js';
import { type Database, type Transaction } from '../database/database.js';
import { idempotencyInFlight, idempotencyKeyReused, type IdempotencyKey } from '../requests/idempotency-key.js';
import { KeyedAnswersStore } from './keyed-answers.store.js';
import { type Problem } from '../problems/problem.js';
import { AUDIT_OUTBOX, CLOCK, DATABASE } from '../tokens.js';

const PRUNE_EVERY_MS = 600_000;

/** What a route does under a key, as its audit events name it. */
export interface KeyedRoute {
  readonly action: string;
  /** The kind of what it makes or changes. */
  readonly kind: string;
}

/** The audit events of keys, from the service's own catalogue. */
export interface KeyedEvents {
  /** A stored answer is given again. @param id of what it is about; `*` where that is not known */
  replayed(caller: Caller, route: KeyedRoute, id: string): NewAuditEvent;
  /** A key is refused. @param reason `IDEMPOTENCY_KEY_REUSED` or `IDEMPOTENCY_IN_FLIGHT` */
  refused(caller: Caller, route: KeyedRoute, key: IdempotencyKey, reason: string): NewAuditEvent;
}

/** How answers rest in the database. A service whose answers show secrets encrypts them. */
export interface AnswerSeal {
  /** @param context what the answer belongs to, bound to it: sealed for one request it opens for no other */
  seal(answer: object, context: string): Promise<unknown>;
  open(stored: unknown, context: string): Promise<unknown>;
}

const KEYED_EVENTS = Symbol.for('countersign.keyed-events');
const ANSWER_SEAL = Symbol.for('countersign.answer-seal');

const inTheClear: AnswerSeal = {
  seal: (answer) => Promise.resolve(answer),
  open: (stored) => Promise.resolve(stored),
};

/** The request was answered before: what its transaction did is undone, and the caller gets that answer. */
export class AnsweredBefore extends Error {
  constructor(
    readonly body: unknown,
    readonly resourceId: string | null,
  ) {
    super('the request was answered before');
  }
}

/** The key cannot be used: the transaction is undone, and the caller gets the problem. */
export class KeyRefused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/**
 * Answers a request with an Idempotency-Key once: the answer is kept in the transaction of what it changes, so that either both are there or
 * neither, whatever crashes. For requests that one transaction serves; without a key, nothing here does anything.
 */
@Injectable()
export class KeyedAnswers implements OnModuleInit {
  readonly #store: KeyedAnswersStore;

  constructor(
    @Inject(DATABASE) database: Database,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
    @Inject(ANSWER_SEAL) private readonly answers: AnswerSeal,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(KEYED_EVENTS) private readonly events: KeyedEvents,
  ) {
    this.#store = new KeyedAnswersStore(database);
  }

  onModuleInit(): void {
    this.background.repeat({ name: 'idempotency_keys', everyMs: PRUNE_EVERY_MS, run: (signal) => this.prune(signal) });
  }

  /** Forgets keys whose time is over. @param signal ends it early */
  async prune(signal?: AbortSignal): Promise<undefined> {
    await this.#store.prune(this.clock(), signal);
  }

  /**
   * The first step of the transaction: decides whether the request was answered before.
   * @throws {AnsweredBefore} with the answer, for the same request
   * @throws {KeyRefused} for another request with the key, or while the first one runs
   */
  async begin(transaction: Transaction, { claim }: Caller): Promise<void> {
    if (claim === undefined) return;
    if (!(await this.#store.lock(transaction, claim))) throw new KeyRefused(idempotencyInFlight());
    const known = await this.#store.find(transaction, claim, this.clock());
    if (known === undefined) return;
    if (known.fingerprint !== claim.fingerprint) throw new KeyRefused(idempotencyKeyReused());
    throw new AnsweredBefore(await this.answers.open(known.answer, contextOf(claim)), known.resourceId);
  }

  /**
   * The last step of the transaction: keeps what the caller is about to get.
   * @param resourceId of what the answer is about
   */
  async keep(transaction: Transaction, { claim }: Caller, resourceId: string, answer: object): Promise<void> {
    if (claim === undefined) return;
    const sealed = await this.answers.seal(answer, contextOf(claim));
    const { fingerprint } = claim;
    const known = { fingerprint, resourceId, answer: sealed };
    if (!(await this.#store.keep(transaction, claim, known, this.clock()))) throw new KeyRefused(idempotencyInFlight());
    claim.kept = true;
  }

  /** Records that an answer is given again: it shows the same things again. */
  async recordReplay(caller: Caller, route: KeyedRoute, resourceId: string | null): Promise<void> {
    await this.outbox.recordDurably(this.events.replayed(caller, route, resourceId ?? '*'));
  }

  async recordRefusal(caller: Caller, route: KeyedRoute, key: IdempotencyKey, reason: string): Promise<void> {
    await this.outbox.recordDurably(this.events.refused(caller, route, key, reason));
  }
}

function contextOf({ subject, clientId, key, fingerprint }: NonNullable<Caller['claim']>): string {
  return JSON.stringify([subject, clientId, key, fingerprint]);
}

/**
 * Providers of {@link KeyedAnswers}, for a service that has the table `idempotency_key`.
 * @param seal how answers rest in the database; in the clear by default
 */
export function keyedAnswers(events: KeyedEvents, seal?: Type<AnswerSeal>): Provider[] {
  return [
    KeyedAnswers,
    { provide: KEYED_EVENTS, useValue: events },
    seal === undefined ? { provide: ANSWER_SEAL, useValue: inTheClear } : { provide: ANSWER_SEAL, useClass: seal },
  ];
}
