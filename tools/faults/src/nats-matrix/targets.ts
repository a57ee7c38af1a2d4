import { auditStream, CHECKPOINT_SUBJECT, receiptSubject, reportSubject } from '@countersign/audit-client';
import { natsServices, type NatsService } from '@countersign/backing-services';

/** Something that a service must not be able to do to another. */
export interface Target {
  readonly subject: string;
  /** Whose it is: their credentials are not tried. */
  readonly owners: readonly NatsService[];
  /**
   * `message`: something appears under the subject. `command`: JetStream does what the subject says. `loot`: a message of another service
   * reaches the attacker's own inbox.
   */
  readonly kind: 'message' | 'command' | 'loot';
}

/** The inbox that an attacker wants other services' events in. */
export const lootOf = (service: NatsService): string => `_INBOX_${service}.loot`;

const bucket = 'KV_revocations';

/** What every service's credentials are played against; the stream `AUDIT` and all under it is audit's, the bucket is the issuer's. */
export function targetsFor(attacker: NatsService): readonly Target[] {
  const all: readonly Target[] = [
    ...natsServices.flatMap((service): Target[] => [
      { subject: `audit.${service}.forged`, owners: [service, 'audit'], kind: 'message' },
      { subject: receiptSubject(service), owners: [service, 'audit'], kind: 'message' },
      { subject: reportSubject(service), owners: [service, 'audit'], kind: 'message' },
      { subject: `_INBOX_${service}.forged`, owners: [service], kind: 'message' },
    ]),
    { subject: CHECKPOINT_SUBJECT, owners: ['audit'], kind: 'message' },
    { subject: '$KV.revocations.token.forged', owners: ['issuer'], kind: 'message' },
    { subject: lootOf(attacker), owners: ['audit'], kind: 'loot' },
    { subject: `$JS.API.STREAM.DELETE.${bucket}`, owners: ['issuer'], kind: 'command' },
    { subject: `$JS.API.STREAM.PURGE.${bucket}`, owners: ['issuer'], kind: 'command' },
    { subject: `$JS.API.STREAM.DELETE.${auditStream.name}`, owners: ['audit'], kind: 'command' },
    { subject: `$JS.API.STREAM.PURGE.${auditStream.name}`, owners: ['audit'], kind: 'command' },
    { subject: `$JS.API.CONSUMER.DELETE.${auditStream.name}.audit-log`, owners: ['audit'], kind: 'command' },
  ];
  return all.filter(({ owners }) => !owners.includes(attacker));
}
