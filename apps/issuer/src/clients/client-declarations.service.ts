import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  by,
  byItself,
  CLOCK,
  DATABASE,
  KeyedAnswers,
  unattended,
  type Caller,
  type Database,
} from '@countersign/service-host';
import { events } from '../events.js';
import { type Client } from '../registry/client.js';
import { ClientsStore } from '../registry/clients.store.js';
import { Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { ClientWrites } from './client-writes.service.js';
import { describeChange, differenceTo, type DeclaredChange } from './declaration.js';

export interface AppliedJson {
  readonly dry_run: boolean;
  readonly changes: readonly {
    readonly client_id: string;
    readonly kind: DeclaredChange['kind'];
    readonly text: string;
  }[];
}

function appliedJson(dryRun: boolean, changes: readonly DeclaredChange[]): AppliedJson {
  return {
    dry_run: dryRun,
    changes: changes.map((change) => ({
      client_id: change.clientId,
      kind: change.kind,
      text: describeChange(change),
    })),
  };
}

/** Makes the registry match declared clients: the file at startup, or what an administrator sends. */
@Injectable()
export class ClientDeclarations {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ClientsStore) private readonly store: ClientsStore,
    @Inject(ClientWrites) private readonly writes: ClientWrites,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * Applies declared clients; the tokens of those that are no longer declared are revoked, as when an administrator disables one.
   * @param caller undefined at startup: then the file itself is the authority
   */
  async apply(wanted: readonly Client[], dryRun: boolean, caller?: Caller): Promise<AppliedJson> {
    const who = caller === undefined ? byItself(unattended()) : by(caller);
    const why = caller === undefined ? ({ configuration: 'CLIENTS_FILE' } as const) : {};
    const revoked: RevocationRow[] = [];
    const changes = await this.database.transaction(async (transaction) => {
      if (caller !== undefined) await this.answers.begin(transaction, caller);
      const found = differenceTo(wanted, await this.store.all(transaction), this.clock());
      if (dryRun || found.length === 0) {
        if (caller !== undefined) await this.answers.keep(transaction, caller, EVERY, appliedJson(dryRun, found));
        return found;
      }
      const version = await this.store.raiseVersion(transaction);
      const locked = differenceTo(wanted, await this.store.all(transaction), this.clock());
      for (const change of locked) {
        const { clientId, before, after } = change;
        revoked.push(...(await this.writes.save(transaction, before ?? undefined, after, version, who, why)));
        await this.writes.record(transaction, 'client.declared', clientId, before ?? undefined, after, who);
        if (change.kind !== 'disable') continue;
        revoked.push(await this.revocations.recordIn(transaction, { kind: 'client', clientId }, who, why));
      }
      if (caller !== undefined) await this.answers.keep(transaction, caller, EVERY, appliedJson(dryRun, locked));
      return locked;
    });
    if (!dryRun && changes.length > 0) await this.replica.refresh();
    else if (caller !== undefined) {
      const compared = { id: EVERY, changes: { dry_run: dryRun, differing: changes.length } };
      await this.outbox.recordDurably(events.event('client.compared', who, compared));
    }
    for (const row of revoked) await this.revocations.announce(row);
    return appliedJson(dryRun, changes);
  }
}
