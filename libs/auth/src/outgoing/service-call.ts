import { type TransportRequest } from './transport.js';

/** One call to another service. */
export interface ServiceCall {
  /** The full URL; `https` beyond this machine, unless `allowPlainHttp` is set. */
  readonly url: string;
  /** `GET` by default; sent in upper case. */
  readonly method?: string | undefined;
  /** The service that is called: the token is only for it. */
  readonly audience: string;
  /** Only what this call needs. */
  readonly scopes: readonly string[];
  /** The caller's own access token (`@BearerToken()`): it is exchanged, so that the call is made on the caller's behalf (RFC 8693). */
  readonly onBehalfOf?: string | undefined;
  /** W3C Trace Context of the request at hand; the call becomes a child of it. */
  readonly traceparent?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as is, instead of `json`; set `content-type` in the headers. A stream is sent only once, whatever the outcome. */
  readonly body?: TransportRequest['body'] | undefined;
  /** Sent as `Idempotency-Key`; it allows a POST to be retried. */
  readonly idempotencyKey?: string | undefined;
  /** States that the receiver processes it once, however often it is sent: by an id in the body, for example. */
  readonly repeatable?: boolean | undefined;
  /** Milliseconds for the token, every try and the pauses together; 5,000 by default. */
  readonly deadlineMs?: number | undefined;
  /** Timeout of one try in milliseconds; limited only by the deadline by default. */
  readonly timeoutMs?: number | undefined;
  /** Maximum tries; 3 by default. A request that is not idempotent is sent once, and retried only if it cannot have been sent. */
  readonly attempts?: number | undefined;
  /** Which statuses stand for a temporary failure, so that a retry is worth it; 429, 502, 503 and 504 by default. */
  readonly mayPass?: ((status: number) => boolean) | undefined;
}

/** The receiver's response. */
export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, text of another type, or undefined. Untrusted: validate it. */
  readonly body: unknown;
  /** Whether an earlier try of this call may have been processed, so that this answer need not be final. */
  readonly mayHaveHappened: boolean;
  readonly attempts: number;
}

/** No response. With `mayHaveHappened` the request was sent, and it is unknown whether it was processed. */
export interface Failed {
  readonly kind: 'failed';
  readonly code: 'TOKEN_UNAVAILABLE' | 'CIRCUIT_OPEN' | 'DEADLINE_EXCEEDED' | 'NETWORK' | 'ANSWER_TOO_LARGE';
  readonly reason: string;
  readonly mayHaveHappened: boolean;
  readonly attempts: number;
}

/** The outcome of a call. */
export type ServiceAnswer = Answered | Failed;
