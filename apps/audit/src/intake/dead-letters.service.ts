import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, Problem, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { LogWentBack } from '../log/log-reach.js';
import { OutsideEvidence } from '../recovery/outside-evidence.service.js';
import { type DeadLetter, DeadLetterStore, type Replayed } from './dead-letters.store.js';

const refusals = {
  unknown: () => new Problem(404, 'DEAD_LETTER_UNKNOWN', 'There is no such dead letter.'),
  'replayed-before': () => new Problem(409, 'DEAD_LETTER_REPLAYED', 'This dead letter is already in the trail.'),
  taken: () =>
    new Problem(409, 'SEQUENCE_TAKEN', 'Another event has its sequence number or its id, so it cannot be replayed.'),
  erased: () =>
    new Problem(409, 'DEAD_LETTER_ERASED', 'Its content was erased on request or by age, so it cannot be replayed.'),
  rejected: (reason: string) => new Problem(422, 'DEAD_LETTER_STILL_REFUSED', reason),
};

function logRestored(): Problem {
  return new Problem(503, 'LOG_RESTORED', 'The log is being compared or recovered after a restore; retry later.', {
    retry_after: 5,
  });
}

/** Lists messages that could not enter the trail, and replays them, for example after an update that knows their format. */
@Injectable()
export class DeadLettersService {
  constructor(
    @Inject(DeadLetterStore) private readonly store: DeadLetterStore,
    @Inject(OutsideEvidence) private readonly outside: OutsideEvidence,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  async list(after: string, limit: number, caller: Caller): Promise<readonly DeadLetter[]> {
    const letters = await this.store.list(after, limit);
    const listed = { id: EVERY, changes: { shown: letters.length } };
    await this.outbox.recordDurably(events.event('dead-letters.listed', by(caller), listed));
    return letters;
  }

  async replay(position: string, caller: Caller): Promise<Replayed> {
    if (!this.outside.mayGrow) throw logRestored();
    const result = await this.store
      .replay(position, (client, { log_index }) => {
        const replayed = { id: position, changes: { log_index } };
        return this.outbox.record(client, events.event('dead-letter.replayed', by(caller), replayed));
      })
      .catch(async (error: unknown) => {
        if (!(error instanceof LogWentBack)) throw error;
        await this.outside.wentBack(error);
        throw logRestored();
      });
    if (result.kind !== 'replayed') {
      const problem = result.kind === 'rejected' ? refusals.rejected(result.reason) : refusals[result.kind]();
      const refused = { id: position, outcome: 'failed', reason: problem.code } as const;
      await this.outbox.recordDurably(events.event('dead-letter.replay_refused', by(caller), refused));
      throw problem;
    }
    return result.letter;
  }
}
