import { spawn } from 'node:child_process';
import { z } from 'zod';
import { pinned } from '../pinned.js';
import { pathOf } from '../processes.js';

/** Seconds of one load. */
export const SECONDS = 3;
/** Milliseconds for which the load waits for answers. */
const UNANSWERED_MS = 10_000;

const reportSchema = z.object({
  p50: z.number(),
  p99: z.number(),
  answered: z.number(),
  count: z.number(),
  /** Requests that were sent within {@link SECONDS}. */
  sentInTime: z.number(),
  statuses: z.record(z.string(), z.number()),
});
export type Report = z.infer<typeof reportSchema>;

/** How loud a key is. */
export interface Load {
  readonly file: string;
  readonly rate: number | 'unbounded';
  readonly connections: number;
  /** Whether the polite client takes precedence on the core of both, as if the flood came from another machine. */
  readonly givesWay?: boolean;
}

/** Asks a route as a load says, for {@link SECONDS}. */
export async function steadyLoad(url: string, { file, rate, connections, givesWay }: Load): Promise<Report> {
  const program = [process.execPath, pathOf('keys/steady-load.js')] as const;
  const options = [url, file, String(rate), String(SECONDS), String(connections)];
  const [command, ...rest] = pinned([...program, ...options], { core: 1, givesWay });
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  for await (const chunk of child.stdout) printed += String(chunk);
  return reportSchema.parse(JSON.parse(printed));
}

/** Milliseconds; more than any answer took when some never came. @throws when a polite request was refused */
export function p99OfPolite({ statuses, answered, count, p99 }: Report): number {
  if (statuses['200'] !== answered) throw new Error(`the polite key was refused: ${JSON.stringify(statuses)}`);
  return answered < count ? Math.max(p99, UNANSWERED_MS) : p99;
}
