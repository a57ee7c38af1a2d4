import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { canGoFirst, OWN_GC, pinned } from '../pinned.js';
import { pathOf } from '../processes.js';
import { reportSchema, type Order, type Report } from './order.js';

/** Seconds of one load that are measured. */
export const SECONDS = 2.3;
/** Milliseconds before them: a flood's burst passes, and the server closes what an earlier load left. */
export const SETTLE_MS = 800;
/** Milliseconds for which the polite client waits for its last answers. A flood waits for none: the server may not even read its requests. */
const UNANSWERED_MS = 10_000;

/** How a key is used. */
export type Load = Pick<Order, 'file' | 'rate' | 'connections'>;

/** A program that sends requests, on the core beside the server's. */
export class LoadProgram {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  /** @param floods then the polite client has precedence on the core of both, as if the flood came from another machine */
  constructor(private readonly floods: boolean) {
    const program = [process.execPath, OWN_GC, pathOf('keys/load-program.js')] as const;
    // Beside one that goes first, a flood need not go last: it sends as fast as it can even if the machine does other work.
    const precedence = !floods ? 'first' : canGoFirst ? undefined : 'last';
    const [command, ...rest] = pinned(program, { core: 1, precedence });
    this.#child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' });
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error('a load program ended');
    });
    // Handled by `run`, if a report is awaited.
    this.#ended.catch(() => undefined);
  }

  /** Sends requests to a route for {@link SETTLE_MS} and {@link SECONDS}. */
  async run(url: string, load: Load): Promise<Report> {
    const { floods } = this;
    const order = { ...load, url, floods, settleMs: SETTLE_MS, seconds: SECONDS, afterMs: floods ? 0 : UNANSWERED_MS };
    this.#child.send(order satisfies Order);
    const [report]: unknown[] = await Promise.race([once(this.#child, 'message'), this.#ended]);
    return reportSchema.parse(report);
  }

  stop(): void {
    this.#child.kill();
  }
}

/**
 * Milliseconds from when each request was due to its answer; for those that had none, more than any answer took.
 * @throws when a polite request was refused
 */
export function timesOfPolite({ statuses, times, early, asked }: Report): readonly number[] {
  const answered = times.length + early.length;
  if (statuses['200'] !== answered) throw new Error(`the polite key was refused: ${JSON.stringify(statuses)}`);
  return [...times, ...Array.from({ length: asked - times.length }, () => UNANSWERED_MS)];
}
