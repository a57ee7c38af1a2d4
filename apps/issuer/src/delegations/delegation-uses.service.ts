import { Inject, Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import { AUDIT_OUTBOX, Background, CLOCK, type BackgroundHandle } from '@countersign/service-host';
import { type DelegationId } from './delegation.js';
import { useOf, type DelegationUse, type NotedUse } from './delegation-use.js';
import { DelegationUsesStore } from './delegation-uses.store.js';

const WRITE_EVERY_MS = 1_000;
/** Maximum uses waiting to be written; beyond that they are written immediately. */
const WAITING_LIMIT = 500;

/**
 * What people see of how applications use what they allowed, from the records of issued tokens. It decides nothing, so it is written shortly
 * after the token: a process that is killed may lose its last second of these, never of the trail.
 */
@Injectable()
export class DelegationUses implements OnModuleInit, BeforeApplicationShutdown {
  readonly #waiting = new Map<string, NotedUse>();
  #handle: BackgroundHandle | undefined;

  constructor(
    @Inject(DelegationUsesStore) private readonly store: DelegationUsesStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(Background) private readonly background: Background,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  onModuleInit(): void {
    this.outbox.onEvent((event) => {
      this.#note(event);
    });
    this.#handle = this.background.repeat({
      name: 'delegation_uses',
      everyMs: WRITE_EVERY_MS,
      run: async () => {
        await this.write();
        return undefined;
      },
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    // An unavailable database must not interrupt the rest of the stop.
    await this.write().catch(() => undefined);
  }

  /** Writes what is waiting. What could not be written keeps waiting. */
  async write(): Promise<void> {
    const uses = [...this.#waiting.values()];
    if (uses.length === 0) return;
    this.#waiting.clear();
    try {
      await this.store.add(uses);
    } catch (error) {
      for (const use of uses) this.#add(use);
      throw error;
    }
  }

  /** Of delegations, the last used first. */
  of(ids: readonly DelegationId[]): Promise<readonly DelegationUse[]> {
    if (ids.length === 0) return Promise.resolve([]);
    return this.store.of(ids);
  }

  #note(event: NewAuditEvent): void {
    const use = useOf(event);
    if (use === undefined) return;
    const now = this.clock().getTime();
    this.#add({ ...use, times: 1, first: now, last: now });
    if (this.#waiting.size >= WAITING_LIMIT) this.#handle?.wake();
  }

  /** Counts a use. What could not be written is merged with later uses. */
  #add(use: NotedUse): void {
    const key = `${use.delegationId} ${use.clientId} ${use.audience}`;
    const known = this.#waiting.get(key);
    if (known !== undefined) {
      const { times } = known;
      const newest = use.last >= known.last ? use : known;
      const first = Math.min(use.first, known.first);
      this.#waiting.set(key, { ...newest, times: times + use.times, first });
    } else if (this.#waiting.size < 20 * WAITING_LIMIT) this.#waiting.set(key, use);
  }
}
