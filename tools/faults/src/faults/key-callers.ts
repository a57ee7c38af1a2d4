import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createTokenClient } from '@countersign/auth-core';
import { type Stack } from '@countersign/stack';
import { z } from 'zod';
import { ask } from './http.js';
import { between, type Random } from './random.js';

const madeSchema = z.looseObject({ id: z.string(), api_key: z.string() });
const usageSchema = z.looseObject({ totals: z.looseObject({ allowed: z.number() }) });

/** Callers at a time, and milliseconds between two requests of one: less than the key's limit. */
const CALLERS = 4;
const PAUSE_MS = [20, 60] as const;

/** An API key for payments, as an operator sees it. */
export interface OperatedKey {
  readonly text: string;
  /** Requests that the issuer has counted as allowed. */
  counted(): Promise<number>;
}

/** Creates an API key of the storefront that may read payments. */
export async function newApiKey({ urls, identities }: Stack): Promise<OperatedKey> {
  const operator = createTokenClient({ issuer: urls.issuer, clientId: 'operator', key: identities.clients.operator });
  const admin = async (method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> => {
    const { token } = await operator.getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
    const url = `${urls.issuer}/admin/api-keys${path}`;
    const answer = await ask(method, url, token, body, body === undefined ? undefined : randomUUID());
    if (answer.status >= 300) throw new Error(`${method} ${url} was answered with ${JSON.stringify(answer)}`);
    return answer.body;
  };
  const name = `counted ${randomUUID().slice(0, 8)}`;
  const wanted = { client_id: 'storefront', name, audiences: { payments: ['payments:read'] } };
  const { id, api_key: text } = madeSchema.parse(await admin('POST', '', wanted));
  return { text, counted: async () => usageSchema.parse(await admin('GET', `/${id}/usage`)).totals.allowed };
}

/** One request that was answered with 200. */
interface Answered {
  /** By the monotonic clock. */
  readonly at: number;
  readonly ms: number;
}

/** Callers that read payments with one key, each again a moment after it was answered, until they are stopped. */
export class KeyCallers {
  readonly answered: Answered[] = [];
  #sent = 0;
  #stopping = false;
  readonly #running: Promise<unknown>;

  constructor(
    private readonly payments: string,
    private readonly key: string,
    private readonly random: Random,
  ) {
    this.#running = Promise.all(Array.from({ length: CALLERS }, () => this.#call()));
  }

  /** Requests that were sent, answered or not. */
  get sent(): number {
    return this.#sent;
  }

  /** Answered requests between two times of the monotonic clock. */
  between(from: number, to: number): number {
    return this.answered.filter(({ at }) => at >= from && at < to).length;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #call(): Promise<void> {
    while (!this.#stopping) {
      await delay(between(this.random, ...PAUSE_MS));
      const begun = performance.now();
      this.#sent += 1;
      // While the service is down nobody answers.
      const status = await ask('GET', `${this.payments}/payments?limit=1`, this.key).then(
        (answer) => answer.status,
        () => undefined,
      );
      const at = performance.now();
      if (status === 200) this.answered.push({ at, ms: at - begun });
    }
  }
}
