import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import { type Algorithm } from '@countersign/auth-core';
import { AUDIT_OUTBOX, CLOCK, DATABASE, LOGGER, type Database, type Transaction } from '@countersign/service-host';
import { type Logger } from 'pino';
import { ClientsStore } from '../clients/clients.store.js';
import { Replica } from '../replica/replica.js';
import { type ImportedKey } from './key-import.js';
import { dueSteps, type RotationStep, type RotationTimes } from './signing-key.js';
import { type KeysStore } from './keys.store.js';
import { SigningKeysStore } from './signing-keys.store.js';

export const ROTATION_SETTINGS = Symbol('countersign.issuer.rotation-settings');
export interface RotationSettings {
  readonly times: RotationTimes;
  readonly algorithm: Algorithm;
  /** Milliseconds between two looks at what is due. */
  readonly lookEveryMs: number;
}

/** What a key is called in the trail, by what it is for. */
export type KeyKind = 'signing-key' | 'revocation-key';

/** The event of one step, when nobody but the schedule ordered it. */
export function rotationEvent(step: RotationStep, kid: string, kind: KeyKind): NewAuditEvent {
  const done = { create: 'created', activate: 'activated', remove: 'removed' }[step.do];
  return {
    type: `countersign.issuer.${kind}.${done}.v1`,
    subject: kid,
    data: {
      principal: null,
      txn: null,
      action: `${kind}:${step.do}`,
      resource: `${kind}s/${kid}`,
      outcome: 'allowed',
      changes:
        step.do === 'create'
          ? { state: { before: null, after: step.as } }
          : step.do === 'remove'
            ? { state: { before: 'retired', after: 'removed' } }
            : { state: { before: 'pending', after: 'active' }, retired: step.retire ?? null },
    },
  };
}

/** Does what is due, at whichever replica looks first: writers take turns by the registry's row, and the later one finds nothing left to do. */
@Injectable()
export class KeyRotation implements OnApplicationBootstrap, OnApplicationShutdown {
  protected readonly kind: KeyKind = 'signing-key';
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SigningKeysStore) private readonly store: KeysStore,
    @Inject(ClientsStore) private readonly registry: ClientsStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ROTATION_SETTINGS) private readonly settings: RotationSettings,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Looks, and does what is due. */
  async run(): Promise<void> {
    const { times, algorithm } = this.settings;
    if (dueSteps(await this.store.all(this.database), this.clock(), times, algorithm).length === 0) return;
    await this.database.transaction(async (transaction) => {
      await this.registry.raiseVersion(transaction);
      await this.settle(transaction);
    });
    await this.replica.refresh();
  }

  /** Does what is due, inside a transaction that has raised the version. */
  async settle(transaction: Transaction): Promise<void> {
    const now = this.clock();
    const { times, algorithm } = this.settings;
    for (const step of dueSteps(await this.store.all(transaction), now, times, algorithm)) {
      const kid = await this.take(transaction, step, now);
      await this.outbox.record(transaction, rotationEvent(step, kid, this.kind));
      this.logger.info({ kid, step }, `${this.kind}s changed`);
    }
  }

  /** Makes a key from elsewhere the first signing key; where there are keys already, nothing happens. */
  async import(transaction: Transaction, { jwk, algorithm }: ImportedKey): Promise<void> {
    if ((await this.store.all(transaction)).length > 0) return;
    const now = this.clock();
    const kid = await this.store.keep(transaction, jwk, algorithm, 'active', { now, usableFrom: now });
    await this.outbox.record(transaction, rotationEvent({ do: 'create', as: 'active' }, kid, this.kind));
  }

  /** Takes one step. @returns the key that it is about */
  async take(transaction: Transaction, step: RotationStep, now: Date): Promise<string> {
    switch (step.do) {
      case 'create': {
        const ahead = step.as === 'pending' ? this.settings.times.publication * 1_000 : 0;
        const usableFrom = new Date(now.getTime() + ahead);
        return this.store.create(transaction, this.settings.algorithm, step.as, { now, usableFrom });
      }
      case 'activate':
        if (step.retire !== undefined) await this.store.retire(transaction, step.retire, now);
        await this.store.activate(transaction, step.kid, now);
        return step.kid;
      case 'remove':
        await this.store.remove(transaction, step.kid, now, false);
        return step.kid;
    }
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => {
      this.run().catch((error: unknown) => {
        this.logger.error({ err: error }, 'the signing keys could not be looked after; the next round tries again');
      });
    }, this.settings.lookEveryMs);
    this.#timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }
}
