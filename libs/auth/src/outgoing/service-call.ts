import { type TransportRequest } from './transport.js';

/** One call to another service. */
export interface ServiceCall {
  /** The whole address, `https` outside one machine. */
  readonly url: string;
  /** `GET` by default; in any case: it is sent in capitals. */
  readonly method?: string;
  /** The service that is called: the token is only for it. */
  readonly audience: string;
  /** No more than this call needs. */
  readonly scopes: readonly string[];
  /** The caller's own access token (`@BearerToken()`): it is exchanged, so that the call is made on the caller's behalf (RFC 8693). */
  readonly onBehalfOf?: string;
  /** W3C Trace Context of the request at hand; the call becomes a child of it. */
  readonly traceparent?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, in place of `json`; say its `content-type` in the headers. A stream is sent once, whatever comes of it. */
  readonly body?: TransportRequest['body'];
  /** Sent as `Idempotency-Key`; it makes a POST one that may be tried again. */
  readonly idempotencyKey?: string;
  /** Says that the receiver does it once, however often it is sent: by an id in the body, for example. */
  readonly repeatable?: boolean;
  /** Milliseconds for the token, every try and the pauses together; 5,000 by default. */
  readonly deadlineMs?: number;
  /** Milliseconds that one try may take; as long as the deadline lets it by default. */
  readonly timeoutMs?: number;
  /** Tries at most; 3 by default. What is not idempotent is sent once, and tried again only when it cannot have left. */
  readonly attempts?: number;
  /** Which statuses stand for a temporary failure, so that another try is worth it; 429, 502, 503 and 504 by default. */
  readonly mayPass?: (status: number) => boolean;
}

/** The receiver's own words. */
export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, text of another type, or nothing. From outside: validate it. */
  readonly body: unknown;
  /** Whether an earlier try of this call may have been carried out, so that this answer need not be final. */
  readonly mayHaveHappened: boolean;
  readonly attempts: number;
}

/** No answer. With `mayHaveHappened` it was sent, and nobody knows whether it was done. */
export interface Failed {
  readonly kind: 'failed';
  readonly code: 'TOKEN_UNAVAILABLE' | 'CIRCUIT_OPEN' | 'DEADLINE_EXCEEDED' | 'NETWORK' | 'ANSWER_TOO_LARGE';
  readonly reason: string;
  readonly mayHaveHappened: boolean;
  readonly attempts: number;
}

/** What came of a call. */
export type ServiceAnswer = Answered | Failed;
