import { BUCKET_CHANGES, natsAccountOf, REVOCATIONS_GET } from './nats-account.js';

/** One thing that a service may do on NATS. */
export interface Right {
  readonly verb: 'publish' | 'subscribe';
  readonly subject: string;
  /** What it is needed for. */
  readonly why: string;
}

function reasonFor(subject: string, service: string): string {
  const reasons: Readonly<Record<string, string>> = {
    [`audit.${service}.>`]: 'the relay sends the events of its outbox',
    [`reports.${service}`]: "its health, for audit's Health page: its outbox, its revocation feed",
    [`receipts.${service}`]: 'audit reports which events are in the log; the outbox deletes them',
    'log.checkpoint': 'signed checkpoints of the log, for anyone who keeps them',
    [`_INBOX_${service}.>`]: 'answers to its own requests; connect with this inbox prefix',
    [REVOCATIONS_GET]: 'reads the existing revocations',
    [BUCKET_CHANGES]: 'receives each new revocation',
  };
  return reasons[subject] ?? '';
}

/** What a service that verifies tokens and records events may do on NATS, each line with its reason. */
export function rightsTable(service: string): readonly Right[] {
  const { publish, subscribe } = natsAccountOf(service, [service]).rights;
  const row = (verb: Right['verb']) => (subject: string) => ({ verb, subject, why: reasonFor(subject, service) });
  return [...publish.map(row('publish')), ...subscribe.map(row('subscribe'))];
}
