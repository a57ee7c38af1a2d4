import { uuidv7, type AuditEvent } from '@countersign/audit-event';

interface Said extends Partial<Omit<AuditEvent, 'data'>> {
  readonly data?: Partial<AuditEvent['data']>;
}

/** A valid event: by default, a payment that was read. */
export function eventOf({ data, ...said }: Said = {}): AuditEvent {
  return {
    specversion: '1.0',
    id: uuidv7(),
    source: 'payments',
    type: 'countersign.payments.payment.read.v1',
    time: '2026-11-26T12:00:00.000Z',
    subject: 'payment/1',
    datacontenttype: 'application/json',
    sequence: '1',
    ...said,
    data: { principal: null, txn: null, action: 'payments:read', resource: 'payment/1', outcome: 'allowed', ...data },
  };
}
