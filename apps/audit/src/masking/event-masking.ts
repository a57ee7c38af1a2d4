import { randomBytes } from 'node:crypto';
import { type AuditEvent } from '@countersign/audit-event';
import { leafOf, type Leaf } from '@countersign/merkle-log';
import { mask, SALT_SIZE, type MaskedPath } from './masking.js';
import { type MaskedEvent } from './masked-values.store.js';
import { maskText, type MaskedText } from './masked-text.js';

export const EVENT_MASKING = Symbol('countersign.audit.event-masking');

/** Masks a batch according to a policy, before it enters the log. */
export class EventMasking {
  constructor(
    private readonly policy: readonly MaskedPath[],
    private readonly newSalt: () => Buffer = () => randomBytes(SALT_SIZE),
  ) {}

  /** @returns the leaves for the log, in order, and the values to store separately */
  apply(events: readonly { readonly event: AuditEvent; readonly leaf: Leaf }[]): {
    readonly leaves: readonly Leaf[];
    readonly apart: readonly MaskedEvent[];
  } {
    const apart: MaskedEvent[] = [];
    const leaves = events.map(({ event, leaf }) => {
      const { event: shown, masked } = mask(event, this.policy, this.newSalt);
      if (masked.length === 0) return leaf;
      apart.push({ eventId: event.id, subject: event.data.principal?.subject ?? null, values: masked });
      return leafOf(shown);
    });
    return { leaves, apart };
  }

  /** Masks messages that could not enter the trail the same way. */
  ofText(text: string): MaskedText {
    return maskText(text, this.policy, this.newSalt);
  }
}
