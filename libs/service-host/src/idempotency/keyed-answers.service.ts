import { Inject, Injectable, type OnModuleInit, type Provider, type Type } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import { Background } from '../background.service.js';
import { type Caller } from '../trail/caller.js';
import { type Database, type Transaction } from '../database/database.module.js';
import { idempotencyInFlight, idempotencyKeyReused, type IdempotencyKey } from '../requests/idempotency-key.js';
import { KeyedAnswersStore } from './keyed-answers.store.js';
import { type Problem } from '../problems/problem.js';
import { AUDIT_OUTBOX, CLOCK, DATABASE } from '../tokens.js';

const PRUNE_EVERY_MS = 600_000;

/** What a route does under a key, as named in its audit events. */
export interface KeyedRoute {
  readonly action: string;
  /** The kind of object it creates or changes. */
  readonly kind: string;
}

/** The audit events of keys, from the service's own catalogue. */
export interface KeyedEvents {
  /** A stored response is returned again. @param id of its object; `*` if unknown */
  replayed(caller: Caller, route: KeyedRoute, id: string): NewAuditEvent;
  /** A key is refused. @param reason `IDEMPOTENCY_KEY_REUSED` or `IDEMPOTENCY_IN_FLIGHT` */
  refused(caller: Caller, route: KeyedRoute, key: IdempotencyKey, reason: string): NewAuditEvent;
}

/** How responses are stored in the database. A service whose responses contain secrets encrypts them. */
export interface AnswerSeal {
  /** @param context the response's request, which is bound to it: sealed for one request, it does not open for another */
  seal(answer: object, context: string): Promise<unknown>;
  open(stored: unknown, context: string): Promise<unknown>;
}

const KEYED_EVENTS = Symbol.for('countersign.keyed-events');
const ANSWER_SEAL = Symbol.for('countersign.answer-seal');

const inTheClear: AnswerSeal = {
  seal: (answer) => Promise.resolve(answer),
  open: (stored) => Promise.resolve(stored),
};

/** The request was already answered: its transaction is rolled back, and the caller gets that response. */
export class AnsweredBefore extends Error {
  constructor(
    readonly body: unknown,
    readonly resourceId: string | null,
  ) {
    super('the request was already answered');
  }
}

/** The key cannot be used: the transaction is rolled back, and the caller gets the problem. */
export class KeyRefused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/**
 * Answers a request with an Idempotency-Key once: the response is stored in the transaction of the change, so that both exist or
 * neither, whatever crashes. For requests served by one transaction; without a key it does nothing.
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

  /** Deletes expired keys. @param signal ends it early */
  async prune(signal?: AbortSignal): Promise<undefined> {
    await this.#store.prune(this.clock(), signal);
  }

  /**
   * The first step of the transaction: decides whether the request was already answered.
   * @throws {AnsweredBefore} with the response, for the same request
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
   * The last step of the transaction: stores the response for the caller.
   * @param resourceId of the response's object
   */
  async keep(transaction: Transaction, { claim }: Caller, resourceId: string, answer: object): Promise<void> {
    if (claim === undefined) return;
    const sealed = await this.answers.seal(answer, contextOf(claim));
    const { fingerprint } = claim;
    const known = { fingerprint, resourceId, answer: sealed };
    if (!(await this.#store.keep(transaction, claim, known, this.clock()))) throw new KeyRefused(idempotencyInFlight());
    claim.kept = true;
  }

  /** Records that a response is returned again, because it shows the same things again. */
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
 * @param seal how responses are stored in the database; as plain text by default
 */
export function keyedAnswers(events: KeyedEvents, seal?: Type<AnswerSeal>): Provider[] {
  return [
    KeyedAnswers,
    { provide: KEYED_EVENTS, useValue: events },
    seal === undefined ? { provide: ANSWER_SEAL, useValue: inTheClear } : { provide: ANSWER_SEAL, useClass: seal },
  ];
}
