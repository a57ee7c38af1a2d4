import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import {
  AUDIT_OUTBOX,
  by,
  CLOCK,
  DATABASE,
  KeyedAnswers,
  Problem,
  type Caller,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { events } from '../events.js';
import {
  clientJson,
  type Change,
  type ChangeRefused,
  type ClientJson,
  type ClientRecord,
} from '../registry/client-record.js';
import { ClientsStore } from '../registry/clients.store.js';
import { Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { ClientWrites, type ClientChange } from './client-writes.service.js';

/** The action that an event is declared with; the one of its refusal too. */
function actionOf(change: ClientChange): string {
  const { action } = events.events[change];
  if (typeof action !== 'string') throw new Error(`${change} must be declared with one action`);
  return action;
}

/** One change of one client, and what its caller gets. */
export interface ChangeStep<Answer extends object> {
  readonly change: ClientChange;
  readonly clientId: string;
  readonly caller: Caller;
  readonly rule: (before: ClientRecord | undefined, now: Date) => Change;
  /** What commits with the change. */
  readonly alongside?: ((transaction: Transaction) => Promise<void>) | undefined;
  readonly answer: (record: ClientRecord) => Answer;
}

const problemOf = ({ status, code, detail }: ChangeRefused): Problem => new Problem(status, code, detail);
export const unknownClient = (): Problem => new Problem(404, 'CLIENT_UNKNOWN', 'There is no such client.');
/** A rule for a client that must be there. */
export const known =
  (rule: (before: ClientRecord, now: Date) => Change): ChangeStep<object>['rule'] =>
  (before, now) => {
    if (before === undefined) throw unknownClient();
    return rule(before, now);
  };

/** Changes one client in one transaction: the change, its event, what goes alongside, and the answer for a repeat. */
@Injectable()
export class ClientChanges {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ClientsStore) private readonly store: ClientsStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ClientWrites) private readonly writes: ClientWrites,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** Changes a client that must be there. @throws {Problem} 404 `CLIENT_UNKNOWN`, and what the rule refuses; recorded by then */
  applyToKnown(
    change: ClientChange,
    clientId: string,
    caller: Caller,
    rule: (before: ClientRecord, now: Date) => Change,
    alongside?: (transaction: Transaction) => Promise<void>,
  ): Promise<ClientJson> {
    return this.apply({ change, clientId, caller, rule: known(rule), alongside, answer: clientJson });
  }

  /** @throws {Problem} what the rule refuses; recorded by then */
  async apply<Answer extends object>(step: ChangeStep<Answer>): Promise<Answer> {
    const { change, clientId, caller, rule, alongside } = step;
    const revoked: RevocationRow[] = [];
    try {
      const answer = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        const version = await this.store.raiseVersion(transaction);
        const before = await this.store.find(transaction, clientId);
        const changed = rule(before, this.clock());
        if (!changed.ok) throw problemOf(changed.why);
        revoked.push(...(await this.writes.save(transaction, before, changed.record, version, by(caller))));
        await this.writes.record(transaction, change, clientId, before, changed.record, by(caller));
        await alongside?.(transaction);
        const answered = step.answer(changed.record);
        await this.answers.keep(transaction, caller, clientId, answered);
        return answered;
      });
      await this.replica.refresh();
      for (const row of revoked) await this.revocations.announce(row);
      return answer;
    } catch (error) {
      throw error instanceof Problem ? await this.refused(change, clientId, caller, error) : error;
    }
  }

  /** Records what is refused. @returns it */
  async refused(change: ClientChange, clientId: string, caller: Caller, problem: Problem): Promise<Problem> {
    const details = { id: clientId, action: actionOf(change), outcome: 'failed', reason: problem.code } as const;
    await this.outbox.recordDurably(events.event('client.change_refused', by(caller), details));
    return problem;
  }
}
