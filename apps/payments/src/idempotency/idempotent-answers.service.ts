import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, Problem, type Caller } from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import { eventBy, type Action, type Kind } from '../event-by.js';
import { type Answer } from './answer.js';
import { parseIdempotencyKey, type IdempotencyKey } from './idempotency-key.js';

/** A POST that needs an Idempotency-Key. */
export interface KeyedRequest {
  /** The `Idempotency-Key` header as received. */
  readonly header: unknown;
  readonly caller: Caller;
  readonly reply: FastifyReply;
  /** The action under the key, and the kind of object it creates or changes. */
  readonly action: Action;
  readonly kind: Exclude<Kind, 'idempotency-key'>;
}

/** Refusals because of the key itself; the work records its own refusals. */
const refusedByKey = new Set(['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_IN_FLIGHT']);

/** Answers requests under their Idempotency-Key. A repeated response shows the whole object, so it is recorded too. */
@Injectable()
export class IdempotentAnswers {
  constructor(@Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox) {}

  /**
   * Reads the key, does the work under it, and sends the response; a repeat is marked `Idempotency-Replayed: true`.
   * @throws {Problem} 400 `IDEMPOTENCY_KEY_MISSING` or `IDEMPOTENCY_KEY_INVALID`, or what the work throws
   */
  async send(request: KeyedRequest, work: (key: IdempotencyKey) => Promise<Answer>): Promise<void> {
    const { header, caller, reply, action, kind } = request;
    const key = parseIdempotencyKey(header);
    const { status, body, replayed } = await work(key).catch((error: unknown) => this.#refused(request, key, error));
    if (replayed !== null) {
      await this.outbox.recordDurably(
        eventBy(caller, 'answer.replayed', { id: replayed, kind, action, changes: { status } }),
      );
      void reply.header('idempotency-replayed', 'true');
    }
    await reply
      .status(status)
      .type(status < 400 ? 'application/json' : 'application/problem+json')
      .send(body);
  }

  async #refused({ caller, action }: KeyedRequest, key: IdempotencyKey, error: unknown): Promise<never> {
    if (error instanceof Problem && refusedByKey.has(error.code))
      await this.outbox.recordDurably(
        eventBy(caller, 'idempotency-key.refused', { id: key, action, failure: error.code }),
      );
    throw error;
  }
}
