import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { newDeal, type Deal, type Dealt, type AnsweredPayment } from './deal.js';
import { ask, type Answer } from './http.js';
import { between, type Random } from './random.js';
import { type Storefront } from './storefront.js';

export interface LoadOptions {
  readonly payments: string;
  readonly storefront: Storefront;
  /** The accounts of both sides. */
  readonly from: string;
  readonly to: string;
  /** Clients that pay at the same time, each one deal after the other. */
  readonly clients: number;
  /** Begins every reference of this load. */
  readonly tag: string;
  readonly random: Random;
}

/** Milliseconds after which a client that stays gives up: by then something is broken. */
const PATIENCE_MS = 120_000;

const paymentSchema = z.looseObject({ id: z.string(), status: z.string() });
const answerSchema = z.union([
  z.looseObject({ payment: paymentSchema }).transform(({ payment }) => payment),
  paymentSchema,
]);

/** Responses after which a client retries with the same key. */
function saysAgain({ status, body }: Answer): boolean {
  return (
    status >= 500 || (status === 409 && (body['code'] === 'IDEMPOTENCY_IN_FLIGHT' || body['code'] === 'PAYMENT_BUSY'))
  );
}

const wordsOf = ({ status, body }: Answer): string => `${String(status)} ${JSON.stringify(body)}`;

/** Clients that make payments, capture, cancel and refund them, until they are stopped. */
export class Load {
  readonly #dealt: Dealt[] = [];
  #stopping = false;
  #underWay = 0;
  #gate: Promise<undefined> = Promise.resolve(undefined);
  #open: () => void = () => undefined;
  #number = 0;
  readonly #running: Promise<unknown>;

  constructor(private readonly options: LoadOptions) {
    this.#running = Promise.all(Array.from({ length: options.clients }, () => this.#client()));
  }

  /** No client starts a new deal; each finishes its current one. */
  async stop(): Promise<readonly Dealt[]> {
    this.#stopping = true;
    await this.#running;
    return this.#dealt;
  }

  /** Resolves when so many more deals of each client have ended on average, however slow the machine is. */
  async further(deals: number): Promise<void> {
    const enough = this.#dealt.length + deals * this.options.clients;
    while (this.#dealt.length < enough && !this.#stopping) await delay(20);
  }

  /** No client starts a new deal until allowed; resolves when each has finished its current one. */
  async pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#gate = promise;
    this.#open = () => {
      resolve(undefined);
    };
    while (this.#underWay > 0) await delay(20);
  }

  resume(): void {
    this.#open();
  }

  async #client(): Promise<void> {
    while (!this.#stopping) {
      await this.#gate;
      this.#number += 1;
      const deal = newDeal(`${this.options.tag}-${String(this.#number)}`, this.options.random);
      this.#underWay += 1;
      try {
        this.#dealt.push(await this.#deal(deal));
      } finally {
        this.#underWay -= 1;
      }
      await delay(between(this.options.random, 0, 20));
    }
  }

  async #deal(deal: Deal): Promise<Dealt> {
    const { kind, amount, part, reference } = deal;
    const { payments, from, to } = this.options;
    const money = (minor: number) => ({ amount: String(minor), currency: 'EUR' });
    const held = kind === 'capture' || kind === 'cancel';
    const failures: string[] = [];
    const send = async (path: string, body: object): Promise<AnsweredPayment | string | undefined> => {
      const key = randomUUID();
      const deadline = Date.now() + PATIENCE_MS;
      while (Date.now() < deadline) {
        const answer = await this.#ask(`${payments}${path}`, body, key);
        if (typeof answer !== 'string' && !saysAgain(answer)) {
          const payment = answer.status < 300 ? answerSchema.safeParse(answer.body).data : undefined;
          return payment ?? `${path} was answered with ${wordsOf(answer)}`;
        }
        failures.push(`${reference}: ${path}: ${typeof answer === 'string' ? answer : wordsOf(answer)}`);
        if (!deal.stays) return undefined;
        await delay(between(this.options.random, 50, 150));
      }
      return `${path} was not answered within ${String(PATIENCE_MS / 1_000)} s`;
    };
    const first = await send('/payments', {
      amount: money(amount),
      from,
      to,
      reference,
      capture: held ? 'manual' : 'automatic',
    });
    let last = first;
    if (typeof first === 'object' && kind !== 'pay') {
      const path = `/payments/${first.id}/${kind}`;
      const body =
        kind === 'cancel' ? {} : { amount: money(part), ...(kind === 'refund' ? { reason: reference } : {}) };
      last = await send(path, body);
    }
    return {
      ...deal,
      answered: typeof last === 'object' ? last : undefined,
      retries: deal.stays ? failures.length : 0,
      failures,
      wrong: typeof last === 'string' ? `${reference}: ${last}` : undefined,
    };
  }

  /** @returns why there was no answer, if there was none */
  async #ask(url: string, body: object, key: string): Promise<Answer | string> {
    try {
      const scopes = ['payments:create', 'payments:refund'];
      const { token } = await this.options.storefront.getToken({ audience: 'payments', scopes });
      return await ask('POST', url, token, body, key);
    } catch (error) {
      return String(error);
    }
  }
}
