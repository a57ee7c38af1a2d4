import { Problem } from '@countersign/service-host';

/** Why nobody could be signed in at a provider. */
export type ProviderFault =
  /** It does not answer, or says that it cannot now. */
  | 'PROVIDER_AWAY'
  /** It refused: the person cancelled, or may not. */
  | 'PROVIDER_DECLINED'
  /** What it answered does not hold: forged, replayed, for somebody else, or misconfigured. */
  | 'PROVIDER_ANSWER_INVALID';

const pages: Readonly<Record<ProviderFault, readonly [status: number, heading: string, detail: string]>> = {
  PROVIDER_AWAY: [
    503,
    'Your sign-in provider is not available',
    'It is not responding, so nobody can sign in there. Your account is fine; try again in a moment.',
  ],
  PROVIDER_DECLINED: [403, 'You are not signed in', 'Your sign-in provider did not sign you in. You can try again.'],
  PROVIDER_ANSWER_INVALID: [
    502,
    'Your sign-in provider sent an invalid answer',
    'Its answer could not be verified, so you are not signed in. Try again; if it happens again, tell the operator of this service.',
  ],
};

/** A provider's fault as a page shows it. What was wrong in detail is for the log only. */
export class ProviderProblem extends Problem {
  constructor(
    readonly fault: ProviderFault,
    /** For the log: never shown. */
    override readonly cause: unknown,
  ) {
    const [status, heading, detail] = pages[fault];
    super(status, fault, detail, { heading, ...(status === 503 ? { retry_after: 5 } : {}) });
    this.name = 'ProviderProblem';
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function causesOf(error: unknown): readonly object[] {
  const causes: object[] = [];
  for (let one = error; isObject(one) && causes.length < 8; one = 'cause' in one ? one.cause : undefined)
    causes.push(one);
  return causes;
}

const awayErrors: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error']);

/** What openid-client says of an error: its own code, and the provider's `error` and status where there are. By its members, because an error may come from anywhere. */
function saidOf(error: unknown): {
  readonly code: string;
  readonly error: string;
  readonly status: number;
  readonly message: string;
} {
  const members: Readonly<Record<string, unknown>> = isObject(error)
    ? {
        code: 'code' in error ? error.code : '',
        error: 'error' in error ? error.error : '',
        status: 'status' in error ? error.status : 0,
        message: 'message' in error ? error.message : '',
      }
    : {};
  const text = (name: string): string => (typeof members[name] === 'string' ? members[name] : '');
  return {
    code: text('code'),
    error: text('error'),
    message: text('message'),
    status: typeof members['status'] === 'number' ? members['status'] : 0,
  };
}

/** What fetch throws where nobody answers, and what openid-client makes of time that ran out and of a gateway's answer. */
function isAway(error: unknown): boolean {
  return causesOf(error)
    .map(saidOf)
    .some(
      ({ code, message, status, error: name }) =>
        status >= 500 ||
        awayErrors.has(name) ||
        code === 'OAUTH_TIMEOUT' ||
        code === 'OAUTH_ABORT' ||
        message === 'fetch failed',
    );
}

/** Which of a provider's faults an error of openid-client is. */
export function providerProblemOf(error: unknown): ProviderProblem {
  if (error instanceof ProviderProblem) return error;
  if (isAway(error)) return new ProviderProblem('PROVIDER_AWAY', error);
  const declined = saidOf(error).code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR';
  return new ProviderProblem(declined ? 'PROVIDER_DECLINED' : 'PROVIDER_ANSWER_INVALID', error);
}
