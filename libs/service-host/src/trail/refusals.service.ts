import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type ExecutionContext,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { type Refusal } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { by } from './caller.js';
import { FailureBudget } from './failure-budget.js';
import { hostEvents } from './host-events.js';
import { messageTraceOf } from '../trace/message-trace.js';
import { type PartLogger } from '../problems/part-logger.js';
import { networkOf } from '../trace/peer-address.js';
import { httpProblem } from '../problems/problem.js';
import { RefusalTally, type CountedRefusals } from './refusal-tally.js';
import {
  auditRequest,
  keepRefusedCaller,
  markRecorded,
  traceOf,
  txnOf,
  type RequestTrace,
  type TracedRequest,
} from '../trace/request-trace.js';
import { AUDIT_OUTBOX, CLOCK, LOGGER } from '../tokens.js';

/** Injection token of the {@link RefusalsOptions}. */
export const REFUSALS_OPTIONS = Symbol.for('countersign.refusals-options');
/** How refusals are limited and reported. */
export interface RefusalsOptions {
  /** The service's name. */
  readonly service: string;
  /** Refused requests that a network may make in a minute before they are answered 429. */
  readonly limitPerMinute?: number;
  /** Milliseconds between two events of the same kind of refusal. */
  readonly flushIntervalMs?: number;
}

/** Refused requests that one network may make in a minute; another one is answered 429. */
export const REFUSAL_LIMIT_PER_MINUTE = 300;
const FLUSH_INTERVAL_MS = 60_000;

/** These tell an honest caller with a valid signature what to do next, so they are answered in full even if many others fail. */
const guiding: ReadonlySet<string> = new Set(['TOKEN_EXPIRED', 'DPOP_NONCE_REQUIRED']);

function refusedTrace(context: ExecutionContext): RequestTrace {
  const kind = context.getType();
  if (kind === 'http') return traceOf(context.switchToHttp().getRequest<TracedRequest>());
  if (kind === 'rpc') return messageTraceOf(context);
  throw new Error(`a refusal of the kind ${kind} cannot be recorded, so it is not answered`);
}

/**
 * Records what the guard or a handler refused before it is answered: each refusal of a verified caller as a separate event; those of unverified
 * callers by code, route and network, the first immediately, then one event a minute with their count. Each replica counts for itself.
 */
@Injectable()
export class Refusals implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #events: ReturnType<typeof hostEvents>;
  readonly #tally = new RefusalTally();
  readonly #budget: FailureBudget;
  #timer: NodeJS.Timeout | undefined;
  /** Nothing counted after this would be recorded. */
  #isStopping = false;
  #flushing: Promise<void> = Promise.resolve();

  constructor(
    @Inject(REFUSALS_OPTIONS) private readonly options: RefusalsOptions,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: PartLogger,
  ) {
    this.#events = hostEvents(options.service);
    this.#budget = new FailureBudget(options.limitPerMinute ?? REFUSAL_LIMIT_PER_MINUTE);
  }

  onApplicationBootstrap(): void {
    // Not by Background: this part is also used without the rest of service-host.
    this.#timer = setInterval(() => void this.flush(), this.options.flushIntervalMs ?? FLUSH_INTERVAL_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopping = true;
    await this.flush();
  }

  /**
   * To be awaited before the refusal is answered.
   * @throws {HttpException} 429 `TOO_MANY_REFUSALS` instead of the refusal, when the caller's network had too many
   */
  record(refusal: Refusal, context: ExecutionContext): Promise<void> {
    return this.#record(refusal, refusedTrace(context), context.getType() === 'http');
  }

  /**
   * For refusals by the handler of an HTTP route itself, such as a form from another site or a forged statement. To be awaited
   * before the refusal is answered.
   * @param code stable, as in the answer
   * @param principal of a caller that the guard has verified
   * @throws {HttpException} as {@link record}
   */
  recordOf(code: string, trace: RequestTrace, principal?: Principal): Promise<void> {
    return this.#record({ code, status: 400, principal }, trace, true);
  }

  async #record(
    refusal: Pick<Refusal, 'status' | 'principal'> & { readonly code: string },
    trace: RequestTrace,
    overHttp: boolean,
  ): Promise<void> {
    if (refusal.principal !== undefined) keepRefusedCaller(trace, refusal.principal);
    // Refusals of a caller beyond its limit are counted: a flood of requests must not become a flood of events.
    const limited = refusal.status === 429 ? refusal.principal?.apiKey?.id : undefined;
    if (refusal.principal !== undefined && limited === undefined) {
      await this.#recordOne(refusal.principal, refusal.code, trace);
      return;
    }
    const { method, route, peer } = trace;
    // The event with the count covers this one.
    markRecorded(auditRequest(trace));
    const network = overHttp ? networkOf(peer) : peer;
    const now = this.clock();
    const kind = { code: refusal.code, method, route, network, apiKey: limited };
    if (this.#isStopping) await this.#recordCounted({ ...kind, count: 1, first: now, last: now }, trace);
    const first = this.#isStopping ? undefined : this.#tally.add(kind, now);
    if (first !== undefined)
      await this.#recordCounted(first, trace).catch((error: unknown) => {
        this.#tally.giveBack(first);
        throw error;
      });
    // 503 is the service's own fault.
    if (!overHttp || refusal.status === 503 || refusal.status === 429) return;
    const retryAfter = this.#budget.spend(network, performance.now());
    if (retryAfter === undefined || guiding.has(refusal.code)) return;
    throw httpProblem(429, 'TOO_MANY_REFUSALS', `Too many requests from your network were refused (${refusal.code}).`, {
      retry_after: retryAfter,
    });
  }

  /** Records what was counted since the last call. */
  async flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flushNow());
    await this.#flushing;
  }

  async #flushNow(): Promise<void> {
    await Promise.all(
      this.#tally.take().map((counted) =>
        this.#recordCounted(counted).catch((error: unknown) => {
          this.#tally.giveBack(counted);
          this.logger.warn({ err: error }, 'counted refusals could not be recorded; retrying later');
        }),
      ),
    );
  }

  async #recordOne(principal: Principal, reason: string, trace: RequestTrace): Promise<void> {
    const id = `${trace.method} ${trace.route}`;
    await this.outbox.recordDurably(
      this.#events.event('request.refused', by({ principal, trace }), { id, outcome: 'denied', reason }),
    );
  }

  /** @param trace of the refusal, if it is a single one */
  async #recordCounted(counted: CountedRefusals, trace?: RequestTrace): Promise<void> {
    const { code: reason, method, route, network, apiKey, count, first, last } = counted;
    const requests = { method, route, peer: network };
    const cause: EventContext =
      trace === undefined
        ? { principal: null, txn: null, request: { ...requests, id: 'several' } }
        : {
            principal: null,
            txn: txnOf(trace),
            traceparent: trace.traceparent,
            request: { ...requests, id: trace.requestId },
          };
    const changes = {
      count,
      first: first.toISOString(),
      last: last.toISOString(),
      ...(apiKey === undefined ? {} : { api_key: apiKey }),
    };
    await this.outbox.recordDurably(
      this.#events.event('requests.refused', cause, { id: `${method} ${route}`, outcome: 'denied', reason, changes }),
    );
  }
}
