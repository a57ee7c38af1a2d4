import { TokenError } from '../token-error.js';
import { limitFields } from './limits/limit-fields.js';
import { type LimitState } from './limits/limit-store.js';

/** A caller that must wait: 429, with `Retry-After` and what else tells it when. */
export class LimitExceeded extends TokenError {
  /** @param fields of the answer */
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

/** Which of its limits a refused request is beyond. */
export function limitCodeOf({ exhausted }: LimitState): 'RATE_LIMITED' | 'QUOTA_EXHAUSTED' {
  return exhausted === 'rate' ? 'RATE_LIMITED' : 'QUOTA_EXHAUSTED';
}

/** The refusal of a request beyond the limit of its key. */
export function limitExceeded(limit: LimitState): LimitExceeded {
  return new LimitExceeded(limitCodeOf(limit), limit.name, limitFields(limit));
}
