import { setTimeout as delay } from 'node:timers/promises';
import { type ServiceName, serviceNames, type Stack } from '@countersign/stack';
import { signalsIn, SILENCE, newSince, type Observation, type Signal } from './signals.js';

/** Milliseconds between two checks, and after a fault in which a signal counts as its own. */
const EVERY_MS = 250;
const WATCHED_MS = 5_000;

/** A signal of one service, and the seconds after the fault at which it was first seen. */
export interface SeenSignal extends Signal {
  readonly service: ServiceName;
  readonly seconds: number;
}

async function observe({ urls }: Stack, name: ServiceName): Promise<Observation> {
  const signal = AbortSignal.timeout(2_000);
  try {
    const [ready, metrics] = await Promise.all(
      ['health/ready', 'metrics'].map((path) => fetch(`${urls[name]}/${path}`, { signal })),
    );
    return ready === undefined || metrics === undefined ? SILENCE : signalsIn(await ready.json(), await metrics.text());
  } catch {
    return SILENCE;
  }
}

/** Reads the signals of every service, and keeps those that are new within five seconds of a fault. */
export class SignalWatch {
  readonly #seen = new Map<string, SeenSignal>();
  readonly #over = new AbortController();
  #struckAt = performance.now();
  #watching: Promise<unknown> = Promise.resolve();

  private constructor(private readonly stack: Stack) {}

  /** Begins; the fault counts as struck now, until {@link struck} says otherwise. */
  static async begin(stack: Stack): Promise<SignalWatch> {
    const watch = new SignalWatch(stack);
    const before = await Promise.all(serviceNames.map((name) => observe(stack, name)));
    watch.#struckAt = performance.now();
    watch.#watching = Promise.all(serviceNames.map((name, index) => watch.#follow(name, before[index] ?? SILENCE)));
    return watch;
  }

  /** The fault strikes only now: earlier signals came from its preparation. */
  struck(): void {
    this.#seen.clear();
    this.#struckAt = performance.now();
  }

  /** @returns what was new, the earliest first */
  async end(): Promise<readonly SeenSignal[]> {
    this.#over.abort();
    await this.#watching;
    return [...this.#seen.values()].toSorted((a, b) => a.seconds - b.seconds);
  }

  /** Each service separately: one that hangs must not hide the others' signals. */
  async #follow(service: ServiceName, before: Observation): Promise<void> {
    while (!this.#over.signal.aborted) {
      const startedAt = performance.now();
      for (const signal of newSince(before, await observe(this.stack, service))) this.#note(service, signal, startedAt);
      await delay(EVERY_MS);
    }
  }

  #note(service: ServiceName, signal: Signal, startedAt: number): void {
    const ms = performance.now() - this.#struckAt;
    const key = `${service} ${signal.kind} ${signal.name}`;
    if (startedAt < this.#struckAt || ms > WATCHED_MS || this.#seen.has(key)) return;
    this.#seen.set(key, { service, ...signal, seconds: Math.round(ms / 100) / 10 });
  }
}
