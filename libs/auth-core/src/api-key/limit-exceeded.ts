import { TokenError } from '../token-error.js';
import { limitFields } from './limits/limit-fields.js';
import { type LimitState } from './limits/limit-store.js';

/** A caller that must wait: 429, with `Retry-After` and the other fields that say when to retry. */
export class LimitExceeded extends TokenError {
  /** @param fields of the response */
  constructor(
    code: 'RATE_LIMITED' | 'QUOTA_EXHAUSTED' | 'API_KEYS_GUESSED',
    detail: string | undefined,
    private readonly fields: Readonly<Record<string, string>>,
  ) {
    super(code, detail);
  }

  override headers(): Record<string, string> {
    return { ...this.fields };
  }
}

/** Which limit a refused request exceeds. */
export function limitCodeOf({ exhausted }: LimitState): 'RATE_LIMITED' | 'QUOTA_EXHAUSTED' {
  return exhausted === 'rate' ? 'RATE_LIMITED' : 'QUOTA_EXHAUSTED';
}

/** The error for a request beyond the limit of its key. */
export function limitExceeded(limit: LimitState): LimitExceeded {
  return new LimitExceeded(limitCodeOf(limit), limit.name, limitFields(limit));
}
