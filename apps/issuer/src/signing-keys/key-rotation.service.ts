import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext, type NewAuditEvent } from '@countersign/audit-event';
import { type Algorithm } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  Background,
  byItself,
  CLOCK,
  DATABASE,
  LOGGER,
  unattended,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { type Logger } from 'pino';
import { events } from '../events.js';
import { ClientsStore } from '../registry/clients.store.js';
import { type ImportedKey } from '../registry/key-import.js';
import { type KeysStore } from '../registry/keys.store.js';
import { Replica } from '../registry/replica.service.js';
import { dueSteps, type RotationStep, type RotationTimes } from '../registry/signing-key.js';
import { SigningKeysStore } from '../registry/signing-keys.store.js';

export const ROTATION_SETTINGS = Symbol('countersign.issuer.rotation-settings');
export interface RotationSettings {
  readonly times: RotationTimes;
  readonly algorithm: Algorithm;
  /** Milliseconds between two checks at what is due. */
  readonly checkEveryMs: number;
}

/** What a key is called in the trail, by what it is for. */
export type KeyKind = 'signing-key' | 'revocation-key';

const doneBy = { create: 'created', activate: 'activated', remove: 'removed' } as const;

function changesOf(step: RotationStep): Readonly<Record<string, unknown>> {
  switch (step.do) {
    case 'create':
      return { state: { before: null, after: step.as } };
    case 'activate':
      return { state: { before: 'pending', after: 'active' }, retired: step.retire ?? null };
    case 'remove':
      return { state: { before: 'retired', after: 'removed' } };
  }
}

/** The event of one step that the schedule took. */
function rotationEvent(step: RotationStep, kid: string, kind: KeyKind, who: EventContext): NewAuditEvent {
  return events.event(`${kind}.${doneBy[step.do]}`, who, { id: kid, changes: changesOf(step) });
}

/** Does what is due, at whichever replica looks first: writers take turns by the registry's row, and the later one finds nothing left to do. */
@Injectable()
export class KeyRotation implements OnModuleInit {
  protected readonly kind: KeyKind = 'signing-key';

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SigningKeysStore) private readonly store: KeysStore,
    @Inject(ClientsStore) private readonly registry: ClientsStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ROTATION_SETTINGS) private readonly settings: RotationSettings,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(Background) private readonly background: Background,
  ) {}

  /** How long keys stay in each state. */
  get times(): RotationTimes {
    return this.settings.times;
  }

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

  /**
   * Does what is due, inside a transaction that has raised the version.
   * @param who what caused it; by default nothing did
   */
  async settle(transaction: Transaction, who: EventContext = byItself(unattended())): Promise<void> {
    const now = this.clock();
    const { times, algorithm } = this.settings;
    for (const step of dueSteps(await this.store.all(transaction), now, times, algorithm)) {
      const kid = await this.take(transaction, step, now);
      await this.outbox.record(transaction, rotationEvent(step, kid, this.kind, who));
      this.logger.info({ kid, step }, `${this.kind}s changed`);
    }
  }

  /** Imports a key as the first signing key; does nothing if there are keys already. */
  async import(transaction: Transaction, { jwk, algorithm }: ImportedKey): Promise<void> {
    if ((await this.store.all(transaction)).length > 0) return;
    const now = this.clock();
    const kid = await this.store.keep(transaction, jwk, algorithm, 'active', { now, usableFrom: now });
    const made = { do: 'create', as: 'active' } as const;
    await this.outbox.record(transaction, rotationEvent(made, kid, this.kind, byItself(unattended())));
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

  onModuleInit(): void {
    this.background.repeat({
      name: `${this.kind.replace('-', '_')}_rotation`,
      everyMs: this.settings.checkEveryMs,
      run: async () => {
        await this.run();
        return undefined;
      },
    });
  }
}
