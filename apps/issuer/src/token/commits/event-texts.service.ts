import { Inject, Injectable } from '@nestjs/common';
import {
  AuditEventError,
  isStorableJson,
  uuidv7,
  type NewAuditEvent,
  type UnnumberedEvent,
} from '@countersign/audit-event';
import { CLOCK } from '@countersign/service-host';

/** Completes events for the statements that commit decisions. That they fit the trail's schema, a spec holds, so that no token pays for it. */
@Injectable()
export class EventTexts {
  constructor(@Inject(CLOCK) private readonly clock: () => Date) {}

  /**
   * @returns the event as JSON
   * @throws {AuditEventError}
   */
  of({ type, subject, traceparent, data }: NewAuditEvent): string {
    const now = this.clock();
    const complete: UnnumberedEvent = {
      specversion: '1.0',
      id: uuidv7(now.getTime()),
      source: 'issuer',
      type,
      time: now.toISOString(),
      subject,
      datacontenttype: 'application/json',
      traceparent,
      data,
    };
    const text = JSON.stringify(complete);
    if (!isStorableJson(text))
      throw new AuditEventError('EVENT_INVALID', 'its text contains U+0000 or half of a surrogate pair');
    return text;
  }
}
