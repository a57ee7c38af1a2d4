import { Problem } from '@countersign/service-host';

/** Why nobody could be signed in at a provider. */
export type ProviderFault =
  /** It does not respond, or is temporarily unavailable. */
  | 'PROVIDER_AWAY'
  /** It refused: the person cancelled, or is not allowed. */
  | 'PROVIDER_DECLINED'
  /** Its response is invalid: forged, replayed, for somebody else, or misconfigured. */
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

/** A provider's fault as shown on a page. The details are only for the log. */
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

/** What openid-client reports about an error: its own code, and the provider's `error` and status if there are any. Recognised by members, because an error may come from anywhere. */
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

/** What fetch throws if nobody responds, and openid-client's errors for timeouts and gateway responses. */
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

/** Maps an error of openid-client to a provider's fault. */
export function providerProblemOf(error: unknown): ProviderProblem {
  if (error instanceof ProviderProblem) return error;
  if (isAway(error)) return new ProviderProblem('PROVIDER_AWAY', error);
  const declined = saidOf(error).code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR';
  return new ProviderProblem(declined ? 'PROVIDER_DECLINED' : 'PROVIDER_ANSWER_INVALID', error);
}
