import { setTimeout as delay } from 'node:timers/promises';
import { newPkce } from '@countersign/people-provider';
import { type Application, type NoAnswer, type TokenAnswer } from './application.js';
import { type Person } from './person.js';
import { between, type Random } from './random.js';

/** What applications did in the meantime. */
export interface GrantCounts {
  codes: number;
  refreshes: number;
  /** Requests whose connection ended in the middle, by grant. */
  codesCut: number;
  refreshesCut: number;
  /** Codes that were redeemed, but whose answer was lost: the application asked for another, which nobody noticed. */
  codesAgain: number;
}

/** Milliseconds after which a client that is not answered gives up: by then something is broken. */
const PATIENCE_MS = 120_000;
/** Refreshes by each code, and how many do each at the same time: two tabs of one application. */
const REFRESHES = { min: 2, max: 5 };
const TABS = 2;

export interface PersonLoadOptions {
  /** The replicas of the issuer: each request goes to the next one. */
  readonly issuers: readonly string[];
  readonly person: Person;
  readonly application: Application;
  readonly random: Random;
  readonly wrong: (what: string) => void;
}

/** One instance of an application for a signed-in person: redeems codes and refreshes, again when it is not answered, until it is stopped. */
export class PersonLoad {
  readonly counts: GrantCounts = { codes: 0, refreshes: 0, codesCut: 0, refreshesCut: 0, codesAgain: 0 };
  /** All access tokens that it was given. */
  readonly tokens: string[] = [];
  #turn = 0;
  #stopping = false;
  #refreshToken = '';
  readonly #running: Promise<void>;

  constructor(private readonly options: PersonLoadOptions) {
    this.#turn = between(options.random, 0, 1);
    this.#running = this.#run().catch((error: unknown) => {
      options.wrong(`${options.application.clientId}: ${String(error)}`);
    });
  }

  /** Ends what it began, and shows that it is still signed in: its last refresh token works, and so does the session. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    await this.#refresh().catch((error: unknown) => {
      this.options.wrong(`${this.options.application.clientId}: ${String(error)}`);
    });
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      await this.#redeem();
      const times = between(this.options.random, REFRESHES.min, REFRESHES.max);
      for (let time = 0; time < times && !this.#stopping; time += 1) await this.#refresh();
    }
  }

  #issuer(): string {
    const { issuers } = this.options;
    this.#turn = (this.#turn + 1) % issuers.length;
    return issuers[this.#turn] ?? '';
  }

  /** A code and its tokens; a code whose answer was lost is given up for another. */
  async #redeem(): Promise<void> {
    const { application, person } = this.options;
    for (;;) {
      const pkce = newPkce();
      const code = await this.#until('a code', () => person.authorize(this.#issuer(), application, pkce));
      let isLost = false;
      const answer = await this.#until('a code to be redeemed', async () => {
        const got = await application.redeem(this.#issuer(), code, pkce);
        if (got === 'cut') this.counts.codesCut += 1;
        isLost ||= mayBeDone(got);
        return answered(got);
      });
      if (answer.status === 200) {
        this.counts.codes += 1;
        this.#take(answer);
        return;
      }
      if (answer.error !== 'invalid_grant' || !isLost)
        throw new Error(`a code was answered with ${String(answer.status)} ${String(answer.error)}`);
      this.counts.codesAgain += 1;
    }
  }

  /** Two tabs use the same token at the same time, at both replicas: both get the same successor. */
  async #refresh(): Promise<void> {
    const token = this.#refreshToken;
    const answers = await Promise.all(Array.from({ length: TABS }, () => this.#refreshOnce(token)));
    const successors = new Set(answers.map(({ refreshToken }) => refreshToken));
    if (successors.size !== 1 || successors.has(token))
      throw new Error(`one refresh token brought ${String(successors.size)} successors, or itself`);
    for (const answer of answers) this.#take(answer);
    this.counts.refreshes += answers.length;
  }

  async #refreshOnce(token: string): Promise<TokenAnswer> {
    const answer = await this.#until('a refresh', async () => {
      const got = await this.options.application.refresh(this.#issuer(), token);
      if (got === 'cut') this.counts.refreshesCut += 1;
      return answered(got);
    });
    if (answer.status === 200) return answer;
    throw new Error(`signed out: a refresh was answered with ${String(answer.status)} ${String(answer.error)}`);
  }

  #take({ accessToken, refreshToken }: TokenAnswer): void {
    this.#refreshToken = refreshToken;
    this.tokens.push(accessToken);
  }

  /** @throws when it never comes */
  async #until<Result>(what: string, attempt: () => Promise<Result | undefined>): Promise<Result> {
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
      const result = await attempt();
      if (result !== undefined) return result;
      await delay(between(this.options.random, 20, 100));
    }
    throw new Error(`${what} was not answered within ${String(PATIENCE_MS / 1_000)} s`);
  }
}

/** Whether the issuer may have done it, although the client got no response. */
function mayBeDone(got: TokenAnswer | NoAnswer): boolean {
  return typeof got === 'string' ? got === 'cut' : got.status >= 500;
}

/** The response, unless the client should retry. */
function answered(got: TokenAnswer | NoAnswer): TokenAnswer | undefined {
  return typeof got === 'string' || got.status >= 500 || got.status === 429 ? undefined : got;
}
