import { reasonOf } from '@countersign/auth-core';
import {
  postToTarget,
  targetAgentOptions,
  type AttemptTimes,
  type TargetRule,
} from '@countersign/service-host/outgoing';
import { type Agent } from 'undici';
import { type WebhookSigner } from './signature.js';

export const WEBHOOK_SENDER = Symbol('countersign.payments.webhook-sender');

/** Milliseconds of one attempt. */
const attemptTimes: AttemptTimes = { connectMs: 5_000, answerMs: 10_000 };

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

/** Sends under the rules for targets ({@link postToTarget}). */
export function createWebhookSender({ signer, rule, now, times = attemptTimes }: WebhookSenderOptions): WebhookSender {
  let agent: Promise<Agent> | undefined;
  const open = (): Promise<Agent> =>
    import('undici').then((undici) => new undici.Agent(targetAgentOptions(rule, times)));
  return {
    async send({ id, url, body }) {
      try {
        const signature = await signer.sign({ id, audience: url, body, now: now() });
        const headers = {
          'content-type': 'application/json',
          'user-agent': 'Countersign-Webhooks/1',
          'webhook-id': id,
          'webhook-signature': signature,
        };
        const posted = await postToTarget(await (agent ??= open()), rule, url, { headers, body }, times);
        if (posted.kind === 'answered') return posted;
        return {
          kind: 'failed',
          reason: posted.kind === 'refused' ? posted.refusal : shownReasonOf(posted.error, times),
        };
      } catch (error) {
        return { kind: 'failed', reason: shownReasonOf(error, times) };
      }
    },
    async close() {
      await (await agent)?.destroy();
    },
  };
}

/** What a merchant sees about an attempt without a response: never empty. */
export function shownReasonOf(error: unknown, { connectMs, answerMs }: AttemptTimes): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${String(connectMs / 1_000)} seconds`;
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return `no answer within ${String(answerMs / 1_000)} seconds`;
  return reasonOf(error);
}
