import { pinnedLookup, refusalOfUrl, type TargetRule } from '@countersign/service-host/outgoing';
import { Agent } from 'undici';
import { type WebhookSigner } from './signature.js';

export const WEBHOOK_SENDER = Symbol('countersign.payments.webhook-sender');

/** Milliseconds of one attempt. */
export interface AttemptTimes {
  /** To look the name up, connect and agree on TLS. */
  readonly connectMs: number;
  /** The receiver's time: from when it is connected until it has answered. */
  readonly answerMs: number;
}

export const attemptTimes: AttemptTimes = { connectMs: 5_000, answerMs: 10_000 };

/** Milliseconds for the rest of an answer, of which nothing is read, so that the connection can be used again. */
const REST_MS = 1_000;
/** Bytes of it. */
const ANSWER_LIMIT = 64 * 1024;

export interface Posted {
  readonly id: string;
  readonly url: string;
  readonly body: string;
}

export type Sent =
  { readonly kind: 'answered'; readonly status: number } | { readonly kind: 'failed'; readonly reason: string };

/** Posts one notice to one endpoint. It never rejects. */
export interface WebhookSender {
  send(what: Posted): Promise<Sent>;
  close(): Promise<void>;
}

export interface WebhookSenderOptions {
  readonly signer: WebhookSigner;
  readonly rule: TargetRule;
  readonly now: () => Date;
  readonly times?: AttemptTimes;
}

/**
 * Sends with the rules for targets checked again each time: the URL, the address that its name leads to now, no redirects, nothing of the
 * answer but its status.
 */
export function createWebhookSender({ signer, rule, now, times = attemptTimes }: WebhookSenderOptions): WebhookSender {
  const { connectMs, answerMs } = times;
  const agent = new Agent({
    // As many as are asked for: how many that is, the worker decides. A limit here would let one attempt wait for another's receiver.
    connections: null,
    pipelining: 1,
    connect: { lookup: pinnedLookup(rule), timeout: connectMs },
    headersTimeout: answerMs,
    bodyTimeout: REST_MS,
    maxResponseSize: ANSWER_LIMIT,
  });
  return {
    async send({ id, url, body }) {
      const refusal = refusalOfUrl(url, rule);
      if (refusal !== undefined) return { kind: 'failed', reason: refusal };
      try {
        const target = new URL(url);
        const signature = await signer.sign({ id, audience: url, body, now: now() });
        const answer = await agent.request({
          origin: target.origin,
          path: target.pathname + target.search,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'user-agent': 'Countersign-Webhooks/1',
            'webhook-id': id,
            'webhook-signature': signature,
          },
          body,
          // The last resort: each part has its own limit.
          signal: AbortSignal.timeout(connectMs + 2 * answerMs),
        });
        await answer.body.dump({ limit: ANSWER_LIMIT, signal: AbortSignal.timeout(REST_MS) }).catch(() => undefined);
        return { kind: 'answered', status: answer.statusCode };
      } catch (error) {
        return { kind: 'failed', reason: reasonOf(error, times) };
      }
    },
    close: () => agent.destroy(),
  };
}

/** What a merchant sees of an attempt without an answer. */
function reasonOf(error: unknown, { connectMs, answerMs }: AttemptTimes): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${String(connectMs / 1_000)} seconds`;
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return `no answer within ${String(answerMs / 1_000)} seconds`;
  return error instanceof Error ? error.message : String(error);
}
