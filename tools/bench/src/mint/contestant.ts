import { type ChildProcess } from 'node:child_process';
import { cpuSeconds } from '../processes.js';
import { type Candidate } from '../rounds.js';
import { median } from '../statistics.js';
import { type LoadOrder } from './load.js';
import { runLoad } from './run-load.js';

/** A server that is asked for tokens, round after round. */
export class Contestant implements Candidate {
  readonly #perSecond: number[] = [];
  readonly #cpu: number[] = [];
  readonly #p99: number[] = [];

  /** @param prepare makes what a round asks, which is not measured */
  constructor(
    readonly name: string,
    private readonly server: ChildProcess,
    private readonly load: ChildProcess,
    private readonly prepare: () => LoadOrder | Promise<LoadOrder>,
  ) {}

  async round(): Promise<number> {
    const order = await this.prepare();
    const before = cpuSeconds(this.server);
    const { perSecond, p99 } = await runLoad(this.load, order);
    this.#cpu.push(((cpuSeconds(this.server) - before) / order.requests) * 1e6);
    this.#p99.push(p99);
    this.#perSecond.push(perSecond);
    return perSecond;
  }

  /** Medians over the rounds that count: tokens a second; microseconds of CPU of the server's process a token; milliseconds. @param rounds how many count, the last ones */
  figures(rounds: number): { readonly perSecond: number; readonly cpu: number; readonly p99: number } {
    const last = (all: readonly number[]): number => median(all.slice(-rounds));
    return { perSecond: last(this.#perSecond), cpu: last(this.#cpu), p99: last(this.#p99) };
  }
}
