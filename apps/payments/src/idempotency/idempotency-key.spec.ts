import { Problem } from '@countersign/service-host';
import { claimOf, type KnownKey } from './idempotency-key.js';

const now = new Date('2026-01-01T00:00:00Z');
const known: KnownKey = {
  fingerprint: 'same',
  resourceId: 'p',
  leaseUntil: new Date(now.getTime() + 1_000),
  answer: null,
};
const codeOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error instanceof Problem ? [error.status, error.code] : error;
  }
};

describe('an idempotency key', () => {
  it('returns the stored response, waits for a running request, resumes a lost one, and accepts no other body', () => {
    const answer = { status: 201, body: {} };
    expect(claimOf({ ...known, answer }, 'same', now)).toEqual({
      kind: 'answered',
      resourceId: known.resourceId,
      answer,
    });
    expect(codeOf(() => claimOf(known, 'same', now))).toEqual([409, 'IDEMPOTENCY_IN_FLIGHT']);
    expect(claimOf({ ...known, leaseUntil: now }, 'same', now)).toEqual({ kind: 'resume', resourceId: 'p' });
    expect(codeOf(() => claimOf({ ...known, answer }, 'other', now))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });
});
