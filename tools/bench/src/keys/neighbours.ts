import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds } from '../processes.js';
import { median } from '../statistics.js';
import { Latencies } from './latencies.js';
import { LoadProgram, SECONDS, SETTLE_MS, timesOfPolite, type Load } from './loads.js';
import { type KeyServer } from './servers.js';

/** What another key sends beside the polite one, and where. */
export interface Neighbour {
  readonly load: Load;
  readonly at: KeyServer;
}

/** What the polite key saw beside one neighbour, or none. */
export class Seen {
  readonly polite = new Latencies();
  /** Before the measured time, while a neighbour begins. */
  readonly early = new Latencies();
  /** How late the polite program itself was to send. */
  readonly late = new Latencies();
  /** Requests a second that the neighbour sent. */
  readonly sent: number[] = [];
  /** Of its answers, those that were refusals. */
  readonly limited: number[] = [];
  /** Of a core, what the polite key's server used. */
  readonly core: number[] = [];
}

/** Measures what a polite key sees of its neighbours at one server. */
export class Neighbours {
  readonly #polite = new LoadProgram(false);
  readonly #flooding = new LoadProgram(true);

  constructor(
    private readonly server: KeyServer,
    private readonly load: Load,
  ) {}

  /** One turn. @param seen where it is kept; nowhere in a warm-up */
  async turn(neighbour: Neighbour | undefined, seen: Seen | undefined): Promise<number> {
    const [polite, flood, core] = await Promise.all([
      this.#polite.run(this.server.url, this.load),
      neighbour === undefined ? undefined : this.#flooding.run(neighbour.at.url, neighbour.load),
      this.#core(),
    ]);
    const times = timesOfPolite(polite);
    seen?.polite.add(times);
    seen?.early.add(polite.early);
    seen?.late.add(polite.late);
    seen?.core.push(core);
    if (flood !== undefined) {
      const answered = Object.values(flood.statuses).reduce((total, count) => total + count, 0);
      seen?.sent.push(flood.sentInTime / SECONDS);
      seen?.limited.push((flood.statuses['429'] ?? 0) / answered);
    }
    return median(times);
  }

  /** The server's in the measured time. */
  async #core(): Promise<number> {
    await delay(SETTLE_MS);
    const before = cpuSeconds(this.server.process);
    await delay(SECONDS * 1_000);
    return (cpuSeconds(this.server.process) - before) / SECONDS;
  }

  stop(): void {
    this.#polite.stop();
    this.#flooding.stop();
  }
}
