import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type Fault, type Scene } from './fault.js';
import { ask, type Answer } from './http.js';
import { openAccount } from './open-account.js';

/** Part of a token's life for which the issuer is unavailable; the random rest makes it at most two thirds. */
const AWAY_AT_LEAST = 0.53;
const AWAY_MORE = 0.13;

/**
 * Tries, at least a second apart, within which what waited for the issuer is to go well once it is back: a service asks again five seconds after a
 * failure at the latest, so four of its own tries fit in. Counted, because a loaded machine has slow seconds.
 */
const RECOVERY_TRIES = 20;
/** The same for recovery, which looks at what nobody comes back for again after twenty seconds at the latest. */
const CONCLUSION_TRIES = 60;
const BETWEEN_TRIES_MS = 1_000;

const pendingSchema = z.object({ payment_id: z.string() });
const paymentSchema = z.looseObject({ status: z.string() });
const wordsOf = ({ status, body }: Answer): string =>
  [status, body['code'], body['reason']].filter((word) => word !== undefined).join(' ');

/** Retries until the response is as expected. @returns the last response. @throws if nobody responds to the last attempt */
async function until(
  holds: (answer: Answer) => boolean,
  request: () => Promise<Answer>,
  tries: number,
): Promise<Answer> {
  for (let left = tries - 1; ; left -= 1, await delay(BETWEEN_TRIES_MS)) {
    try {
      const answer = await request();
      if (holds(answer) || left <= 0) return answer;
    } catch (error) {
      if (left <= 0) throw error;
    }
  }
}

/** One client beside the load, whose tokens are as old as the outage is long. */
class Customer {
  private constructor(
    private readonly scene: Scene,
    private readonly order: object,
  ) {}

  static async of(scene: Scene): Promise<Customer> {
    const from = await openAccount(scene.stack, scene.storefront, 'allowed');
    const to = await openAccount(scene.stack, scene.storefront, 'forbidden');
    return new Customer(scene, { amount: { amount: '1', currency: 'EUR' }, from, to, reference: 'issuer-down' });
  }

  /** A token that no service has seen. @throws while the issuer is unavailable */
  async newToken(): Promise<{ readonly token: string; readonly lifeMs: number }> {
    const { storefront, stack } = this.scene;
    const client = storefront.withKey(stack.identities.clients.storefront);
    const scopes = ['payments:create', 'payments:read'];
    const { token, expiresAt } = await client.getToken({ audience: 'payments', scopes });
    return { token, lifeMs: expiresAt * 1_000 - Date.now() };
  }

  pay(token: string, key: string = randomUUID()): Promise<Answer> {
    return ask('POST', `${this.scene.stack.urls.payments}/payments`, token, this.order, key);
  }

  /** Retries as the response asks until the work is done: a client that does not return counts as gone. */
  async payDuring(work: Promise<unknown>, token: string, key: string): Promise<void> {
    const over = new AbortController();
    const done = work.finally(() => {
      over.abort();
    });
    while (!over.signal.aborted) {
      await this.pay(token, key).catch(() => undefined);
      await delay(200);
    }
    await done;
  }

  /** As a client comes back: with the token that it has, and a new one where a slow start took what was left of its life. */
  async payAgain(token: string, key: string): Promise<Answer> {
    const answer = await this.pay(token, key);
    return answer.status === 401 ? this.pay((await this.newToken()).token, key) : answer;
  }

  async read(payment: string): Promise<Answer> {
    const { token } = await this.newToken();
    return ask('GET', `${this.scene.stack.urls.payments}/payments/${payment}`, token);
  }
}

/**
 * The issuer is unavailable for more than half of a token's life. Clients with tokens continue without a failure; what needs a new one waits, and
 * goes well, or is concluded by recovery, once the issuer is back.
 */
export const issuerDown: Fault = {
  name: 'issuer-down',
  async strike(scene) {
    const { stack, random, struck, wrong } = scene;
    const customer = await Customer.of(scene);
    const held = await customer.newToken();
    const first = await customer.pay(held.token);
    if (first.status !== 201) wrong(`a payment before the outage was answered with ${wordsOf(first)}`);
    const [waiting, left] = [await customer.newToken(), await customer.newToken()];
    const waitingKey = randomUUID();
    const waitingUntil = Date.now() + waiting.lifeMs;

    struck();
    await stack.stopService('issuer', 'SIGKILL');
    const backAt = Date.now() + held.lifeMs * (AWAY_AT_LEAST + random() * AWAY_MORE);
    const [promised, abandoned] = [await customer.pay(waiting.token, waitingKey), await customer.pay(left.token)];
    for (const answer of [promised, abandoned])
      if (answer.status !== 503 || answer.body['code'] !== 'PAYMENT_PENDING')
        wrong(`a payment that needs a new token was answered with ${wordsOf(answer)} while the issuer was unavailable`);
    while (Date.now() < backAt) {
      const answer = await customer.pay(held.token);
      if (answer.status !== 201) wrong(`a payment by tokens at hand was answered with ${wordsOf(answer)}`);
      const again = await customer.pay(waiting.token, waitingKey);
      if (again.status !== 503 && again.status !== 409)
        wrong(`the payment that waits for the issuer was answered with ${wordsOf(again)}`);
      await delay(200);
    }
    await customer.payDuring(stack.startService('issuer'), waiting.token, waitingKey);
    const couldStay = Date.now() < waitingUntil;

    const isPaid = ({ status }: Answer): boolean => status === 201;
    // Without a token nobody can retry, and recovery may have refused: nothing was moved, and the client pays again.
    const isNo = ({ body }: Answer): boolean => !couldStay && body['code'] === 'PAYMENT_ABANDONED';
    const isAnswer = (answer: Answer): boolean => isPaid(answer) || isNo(answer);
    const late = await until(isAnswer, () => customer.payAgain(waiting.token, waitingKey), RECOVERY_TRIES);
    if (!isAnswer(late)) wrong(`the payment that waited for the issuer was answered with ${wordsOf(late)}`);
    const { token } = await customer.newToken();
    const freshKey = randomUUID();
    const fresh = await until(isPaid, () => customer.payAgain(token, freshKey), RECOVERY_TRIES);
    if (!isPaid(fresh)) wrong(`a new payment after the outage was answered with ${wordsOf(fresh)}`);
    const pending = pendingSchema.parse(abandoned.body);
    const isOver = ({ status, body }: Answer): boolean =>
      status === 200 && paymentSchema.parse(body).status !== 'created';
    const concluded = await until(isOver, () => customer.read(pending.payment_id), CONCLUSION_TRIES);
    if (!isOver(concluded)) wrong('recovery never concluded the payment whose client went away during the outage');
  },
};
