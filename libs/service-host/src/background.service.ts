import { setTimeout as delay } from 'node:timers/promises';
import { jittered } from '@countersign/auth-core';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { type Logger } from 'pino';
import { databaseReasonOf } from './problems/database-fault.js';
import { type HealthRegistry } from './health/health.js';
import { CLOCK, HEALTH, LOGGER } from './tokens.js';

/** Work that a service repeats on its own. */
export interface BackgroundTask {
  /** In health notes and logs: `hold_expiry`. */
  readonly name: string;
  /** Milliseconds between the end of one round and the next; a quarter more or less, so that replicas do not run in lockstep. A function is called each time. */
  readonly everyMs: number | (() => number);
  /**
   * One round. Its errors are logged once and noted in health; the next round tries again.
   * @param signal aborted when the service stops: a long round should check it
   * @returns `again` if there is more to do immediately
   */
  readonly run: (signal: AbortSignal) => Promise<'again' | undefined>;
}

/** A registered task. */
export interface BackgroundHandle {
  /** Starts the next round now; if a round is running, another follows it. */
  wake(): void;
}

interface TaskState {
  readonly task: BackgroundTask;
  lastRunAt: Date | undefined;
  lastError: string | null;
  woken: boolean;
  wake: () => void;
  ended: Promise<void>;
}

/** A service's background work: started after the service, stopped before it closes, shown in health. */
@Injectable()
export class Background implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  readonly #tasks: TaskState[] = [];
  #begun = false;

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) private readonly health: HealthRegistry,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** Registers a task; it starts with the service, or immediately if that has started. */
  repeat(task: BackgroundTask): BackgroundHandle {
    const state: TaskState = {
      task,
      lastRunAt: undefined,
      lastError: null,
      woken: false,
      wake: () => undefined,
      ended: Promise.resolve(),
    };
    this.#tasks.push(state);
    this.health.addNote(task.name, () => ({
      last_run_at: state.lastRunAt?.toISOString() ?? null,
      last_error: state.lastError,
    }));
    if (this.#begun) state.ended = this.#loop(state);
    return {
      wake: () => {
        state.woken = true;
        state.wake();
      },
    };
  }

  onApplicationBootstrap(): void {
    this.#begun = true;
    for (const state of this.#tasks) state.ended = this.#loop(state);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    for (const { wake } of this.#tasks) wake();
    await Promise.all(this.#tasks.map(({ ended }) => ended));
  }

  async #loop(state: TaskState): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      state.woken = false;
      if ((await this.#round(state)) === 'again') continue;
      await this.#pause(state);
    }
  }

  async #round(state: TaskState): Promise<'again' | undefined> {
    const { name, run } = state.task;
    try {
      const next = await run(this.#stopped.signal);
      if (state.lastError !== null) this.logger.info({ task: name }, 'background work recovered');
      state.lastError = null;
      state.lastRunAt = this.clock();
      return next;
    } catch (error) {
      if (this.#stopped.signal.aborted) return undefined;
      // Everybody can see this in readiness, so it has the reason, never the values of a failed statement.
      const { reason } = databaseReasonOf(error);
      if (reason !== state.lastError) this.logger.warn({ err: error, task: name }, 'background work failed; retrying');
      state.lastError = reason;
      return undefined;
    }
  }

  async #pause(state: TaskState): Promise<void> {
    if (state.woken) return;
    const woken = new AbortController();
    state.wake = () => {
      woken.abort();
    };
    const { everyMs } = state.task;
    const ms = jittered(typeof everyMs === 'number' ? everyMs : everyMs());
    await delay(ms, undefined, { signal: AbortSignal.any([this.#stopped.signal, woken.signal]) }).catch(
      () => undefined,
    );
    state.wake = () => undefined;
  }
}
