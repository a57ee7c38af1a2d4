import { Agent } from 'undici';
import { type WebhookSigner } from './signature.js';
import { pinnedLookup, refusalOfUrl, type TargetRule } from './target.js';

export const WEBHOOK_SENDER = Symbol('countersign.payments.webhook-sender');

/** Milliseconds that one attempt may take, from the look-up to the answer's status. */
const ATTEMPT_TIMEOUT_MS = 10_000;

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
}

/**
 * Sends with the rules for targets checked anew each time: the URL, the address that its name leads to now, no redirects, nothing of the
 * answer but its status.
 */
export function createWebhookSender({ signer, rule, now }: WebhookSenderOptions): WebhookSender {
  const agent = new Agent({
    connections: 4,
    pipelining: 1,
    connect: { lookup: pinnedLookup(rule), timeout: 5_000 },
    headersTimeout: ATTEMPT_TIMEOUT_MS,
    bodyTimeout: ATTEMPT_TIMEOUT_MS,
    maxResponseSize: 64 * 1024,
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
          signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
        });
        await answer.body.dump().catch(() => undefined);
        return { kind: 'answered', status: answer.statusCode };
      } catch (error) {
        return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
      }
    },
    close: () => agent.destroy(),
  };
}
