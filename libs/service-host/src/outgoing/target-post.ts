import { pinnedLookup, refusalOfUrl, type TargetRefusal, type TargetRule } from './target.js';

/** Milliseconds of one attempt. */
export interface AttemptTimes {
  /** To look the name up, connect and complete the TLS handshake. */
  readonly connectMs: number;
  /** The receiver's time: from the connection to its response. */
  readonly answerMs: number;
}

/** Milliseconds to drain the rest of a response, which is not read, so that the connection can be reused. */
const REST_MS = 1_000;
/** Bytes of it. */
const ANSWER_LIMIT = 64 * 1024;

/** The options of undici's `Agent` for {@link postToTarget}: the address that a name resolves to is checked for each connection. */
export function targetAgentOptions(rule: TargetRule, { connectMs, answerMs }: AttemptTimes) {
  return {
    // Unlimited: the caller decides how many. A limit here would let one attempt wait for another's receiver.
    connections: null,
    pipelining: 1,
    connect: { lookup: pinnedLookup(rule), timeout: connectMs },
    headersTimeout: answerMs,
    bodyTimeout: REST_MS,
    maxResponseSize: ANSWER_LIMIT,
  };
}

interface PostOptions {
  readonly origin: string;
  readonly path: string;
  readonly method: 'POST';
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** undici's `Agent`, made with {@link targetAgentOptions}. */
export interface TargetAgent {
  request(options: PostOptions): Promise<{
    readonly statusCode: number;
    readonly body: { dump(options: { limit: number; signal: AbortSignal }): Promise<void> };
  }>;
}

/** The outcome of one attempt. */
export type PostedTo =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'refused'; readonly refusal: TargetRefusal }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * Posts to an address that somebody else chose. The rule is checked again each time: the URL, the address that its name resolves to now, no
 * redirects, nothing of the response but its status. It never rejects.
 */
export async function postToTarget(
  agent: TargetAgent,
  rule: TargetRule,
  url: string,
  { headers, body }: { readonly headers: Record<string, string>; readonly body: string },
  { connectMs, answerMs }: AttemptTimes,
): Promise<PostedTo> {
  const refusal = refusalOfUrl(url, rule);
  if (refusal !== undefined) return { kind: 'refused', refusal };
  try {
    const { origin, pathname, search } = new URL(url);
    const answer = await agent.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers,
      body,
      // A last resort: each part has its own limit.
      signal: AbortSignal.timeout(connectMs + 2 * answerMs),
    });
    await answer.body.dump({ limit: ANSWER_LIMIT, signal: AbortSignal.timeout(REST_MS) }).catch(() => undefined);
    return { kind: 'answered', status: answer.statusCode };
  } catch (error) {
    return { kind: 'failed', error };
  }
}
