import { pinnedLookup, refusalOfUrl, type TargetRule } from '@countersign/service-host/outgoing';
import { Agent } from 'undici';

export const LOGOUT_SENDER = Symbol('countersign.issuer.logout-sender');

const CONNECT_MS = 3_000;
const ANSWER_MS = 5_000;
const REST_MS = 1_000;
const ANSWER_LIMIT = 16 * 1_024;

/** What came of one attempt. */
export type LogoutSent = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Posts one logout token. It never rejects. */
export interface LogoutSender {
  send(url: string, token: string): Promise<LogoutSent>;
  close(): Promise<void>;
}

/** With the rules for targets checked again each time: the URL, the address that its name leads to now, no redirects, nothing of the answer but its status. */
export function createLogoutSender(rule: TargetRule): LogoutSender {
  const agent = new Agent({
    connections: null,
    pipelining: 1,
    connect: { lookup: pinnedLookup(rule), timeout: CONNECT_MS },
    headersTimeout: ANSWER_MS,
    bodyTimeout: REST_MS,
    maxResponseSize: ANSWER_LIMIT,
  });
  return {
    async send(url, token) {
      const refusal = refusalOfUrl(url, rule);
      if (refusal !== undefined) return { ok: false, reason: refusal };
      try {
        const { origin, pathname, search } = new URL(url);
        const answer = await agent.request({
          origin,
          path: pathname + search,
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'Countersign-Logout/1' },
          body: new URLSearchParams({ logout_token: token }).toString(),
          signal: AbortSignal.timeout(CONNECT_MS + ANSWER_MS + REST_MS),
        });
        await answer.body.dump({ limit: ANSWER_LIMIT, signal: AbortSignal.timeout(REST_MS) }).catch(() => undefined);
        const { statusCode: status } = answer;
        // 204 is not in the standard, and what many receivers answer.
        return status === 200 || status === 204 ? { ok: true } : { ok: false, reason: `HTTP_${String(status)}` };
      } catch (error) {
        const code =
          error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNREACHABLE';
        return { ok: false, reason: code };
      }
    },
    close: () => agent.destroy(),
  };
}
