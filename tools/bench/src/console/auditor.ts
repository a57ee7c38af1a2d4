import { createTokenClient } from '@countersign/auth-core';
import { type Stack } from '@countersign/stack';

const LIMIT_MS = 60_000;

/** An auditor who asks audit over HTTP, as the console's own pages do. */
export class Auditor {
  readonly #tokens;

  constructor(private readonly stack: Stack) {
    const { urls, identities } = stack;
    this.#tokens = createTokenClient({ issuer: urls.issuer, clientId: 'auditor', key: identities.clients.auditor });
  }

  /** @returns milliseconds until the whole answer was there */
  async time(path: string): Promise<number> {
    const headers = await this.#headers();
    const begun = performance.now();
    const answer = await fetch(this.stack.urls.audit + path, { headers, signal: AbortSignal.timeout(LIMIT_MS) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${text}`);
    return performance.now() - begun;
  }

  /** @returns milliseconds from an answer, whose event was committed before, until this event arrived at a live tail */
  async tailTimes(rounds: number): Promise<readonly number[]> {
    const stop = new AbortController();
    const tail = await fetch(`${this.stack.urls.audit}/events/tail?client=auditor&action=audit:read`, {
      headers: await this.#headers(),
      signal: stop.signal,
    });
    const reader = tail.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (reader === undefined) throw new Error('the tail has no body');
    const comes = async (text: string): Promise<void> => {
      for (let seen = ''; !seen.includes(text);) {
        const { done, value } = await reader.read();
        if (done) throw new Error('the tail has ended');
        seen += value;
      }
    };
    const times: number[] = [];
    try {
      await comes('heartbeat');
      for (let round = 0; round < rounds; round += 1) {
        const resource = `payment/tail-${String(round)}-`;
        await this.time(`/events?limit=1&resource=${resource}`);
        const begun = performance.now();
        await comes(resource);
        times.push(performance.now() - begun);
      }
      return times;
    } finally {
      stop.abort();
    }
  }

  async #headers(): Promise<Readonly<Record<string, string>>> {
    const { token } = await this.#tokens.getToken({ audience: 'audit', scopes: ['audit:read'] });
    return { authorization: `Bearer ${token}` };
  }
}
