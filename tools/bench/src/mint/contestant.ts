import { type ChildProcess } from 'node:child_process';
import { cpuSeconds } from '../processes.js';
import { type Candidate } from '../rounds.js';
import { median } from '../statistics.js';
import { type Backing, type Core } from './backing.js';
import { type LoadOrder } from './load-order.js';
import { runLoad } from './run-load.js';
import { untilIdle } from './until-idle.js';

/** What all contestants share: who asks them, and what keeps the records of those that keep any. */
export interface Arena {
  readonly load: ChildProcess;
  readonly backing: Backing;
}

/** Medians over the rounds that count. CPU in microseconds a token. */
export interface Figures {
  /** Tokens. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p99: number;
  /** Of the server's process. */
  readonly cpu: number;
  /** Of PostgreSQL and NATS. */
  readonly backingCpu: number;
  /** Of the process that asks. */
  readonly loadCpu: number;
  /** Milliseconds that the server worked on after its last answer. */
  readonly after: number;
}

/**
 * A server that is asked for tokens, round after round. A round lasts until the server has done what it put off (the issuer publishes events after it
 * answers): a server that is always asked has to do that too, and the next contestant's round must not pay for it.
 */
export class Contestant implements Candidate {
  readonly #rounds: Figures[] = [];

  /**
   * @param core where PostgreSQL and NATS are during its rounds
   * @param prepare makes what a round asks, which is not measured
   */
  constructor(
    readonly name: string,
    private readonly server: ChildProcess,
    private readonly arena: Arena,
    private readonly core: Core,
    private readonly prepare: () => LoadOrder | Promise<LoadOrder>,
  ) {}

  async round(): Promise<number> {
    const { load, backing } = this.arena;
    backing.moveTo(this.core);
    const order = await this.prepare();
    const before = [cpuSeconds(this.server), backing.cpuSeconds()] as const;
    const { perSecond: answered, p99, cpuSeconds: loadSeconds } = await runLoad(load, order);
    const after = await untilIdle(() => cpuSeconds(this.server));
    const perSecond = order.requests / (order.requests / answered + after);
    const each = (seconds: number): number => (seconds / order.requests) * 1e6;
    this.#rounds.push({
      ...{ perSecond, p99, cpu: each(cpuSeconds(this.server) - before[0]), loadCpu: each(loadSeconds) },
      backingCpu: each(backing.cpuSeconds() - before[1]),
      after: after * 1_000,
    });
    await untilIdle(() => backing.cpuSeconds());
    return perSecond;
  }

  /** @param rounds how many count, the last ones */
  figures(rounds: number): Figures {
    const last = (name: keyof Figures): number => median(this.#rounds.slice(-rounds).map((round) => round[name]));
    return {
      ...{ perSecond: last('perSecond'), p99: last('p99'), cpu: last('cpu') },
      ...{ backingCpu: last('backingCpu'), loadCpu: last('loadCpu'), after: last('after') },
    };
  }
}
