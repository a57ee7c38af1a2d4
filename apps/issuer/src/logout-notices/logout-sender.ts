import { postToTarget, targetAgentOptions, type TargetRule } from '@countersign/service-host/outgoing';
import { type Agent } from 'undici';

export const LOGOUT_SENDER = Symbol('countersign.issuer.logout-sender');

const times = { connectMs: 3_000, answerMs: 5_000 };

/** The outcome of one attempt. */
export type LogoutSent = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Posts one logout token. It never rejects. */
export interface LogoutSender {
  send(url: string, token: string): Promise<LogoutSent>;
  close(): Promise<void>;
}

/** Sends under the rules for targets ({@link postToTarget}). */
export function createLogoutSender(rule: TargetRule): LogoutSender {
  let agent: Promise<Agent> | undefined;
  // A hundred files that most issuers never need.
  const open = (): Promise<Agent> =>
    import('undici').then((undici) => new undici.Agent(targetAgentOptions(rule, times)));
  return {
    async send(url, token) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'Countersign-Logout/1' };
      const body = new URLSearchParams({ logout_token: token }).toString();
      const posted = await postToTarget(await (agent ??= open()), rule, url, { headers, body }, times);
      if (posted.kind === 'refused') return { ok: false, reason: posted.refusal };
      if (posted.kind === 'failed') return { ok: false, reason: codeOf(posted.error) };
      // 204 is not in the standard, but many receivers send it.
      if (posted.status === 200 || posted.status === 204) return { ok: true };
      return { ok: false, reason: `HTTP_${String(posted.status)}` };
    },
    async close() {
      await (await agent)?.destroy();
    },
  };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNREACHABLE';
