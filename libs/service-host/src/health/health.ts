import { messageOf } from '@countersign/auth-core';

/** A readiness check: resolves if the part is usable, rejects with the reason if not. */
export type HealthCheck = () => Promise<void> | void;

/** What `/health/ready` answers. */
export interface HealthReport {
  readonly status: 'ready' | 'not_ready';
  readonly checks: Readonly<Record<string, 'ok' | string>>;
  /** Parts that are degraded without making the service unusable (NATS unavailable: events wait in the outbox). */
  readonly notes: Readonly<Record<string, unknown>>;
}

/** A part's result, or why it did not respond in time. */
type Said = { readonly value: unknown; readonly reason?: undefined } | { readonly reason: string };

/** What must hold for the service to be ready, and additional notes. */
export class HealthRegistry {
  readonly #checks = new Map<string, HealthCheck>();
  readonly #notes = new Map<string, () => unknown>();
  readonly #failures = new Map<string, { readonly reason: string; readonly until: number }>();

  /** @param timeoutMs milliseconds that one check or note may take before it counts as failed */
  constructor(
    private readonly timeoutMs = 2_000,
    /** Milliseconds of a monotonic clock. */
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  add(name: string, check: HealthCheck): void {
    this.#checks.set(name, check);
  }

  /** @param read the note, or a promise of it. While it cannot be read, the service is not ready, because the part's state is unknown */
  addNote(name: string, read: () => unknown): void {
    this.#notes.set(name, read);
  }

  /**
   * Reports a failure that a request met and a check does not see (a full disk still answers queries): the check then fails for a while.
   * @param forMs milliseconds
   */
  fail(name: string, reason: string, forMs: number): void {
    this.#failures.set(name, { reason, until: this.monotonic() + forMs });
  }

  async report(): Promise<HealthReport> {
    const [checks, notes] = await Promise.all([
      Promise.all(
        [...this.#checks].map(
          async ([name, check]) => [name, this.#failed(name) ?? (await this.#ask(check)).reason ?? 'ok'] as const,
        ),
      ),
      Promise.all([...this.#notes].map(async ([name, read]) => [name, await this.#ask(read)] as const)),
    ]);
    const unread = notes.flatMap(([name, { reason }]) => (reason === undefined ? [] : [[name, reason] as const]));
    const results = [...checks, ...unread];
    return {
      status: results.every(([, result]) => result === 'ok') ? 'ready' : 'not_ready',
      checks: Object.fromEntries(results),
      notes: Object.fromEntries(notes.flatMap(([name, said]) => ('value' in said ? [[name, said.value]] : []))),
    };
  }

  #failed(name: string): string | undefined {
    const failure = this.#failures.get(name);
    return failure !== undefined && this.monotonic() < failure.until ? failure.reason : undefined;
  }

  async #ask(part: () => unknown): Promise<Said> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer within ${String(this.timeoutMs)} ms`));
      }, this.timeoutMs);
    });
    try {
      return { value: await Promise.race([part(), limit]) };
    } catch (error) {
      return { reason: messageOf(error) };
    } finally {
      clearTimeout(timer);
    }
  }
}
