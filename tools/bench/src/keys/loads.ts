import { spawn } from 'node:child_process';
import { z } from 'zod';
import { pinned } from '../pinned.js';
import { pathOf } from '../processes.js';

/** Seconds of one load. */
export const SECONDS = 3;
/** Milliseconds for which the polite client waits for its last answers. A flood waits for none: the server may not even read its requests. */
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

/** How a key is used. */
export interface Load {
  readonly file: string;
  readonly rate: number | 'unbounded';
  readonly connections: number;
  /** Whether it floods: then the polite client takes precedence on the core of both, as if the flood came from another machine. */
  readonly floods?: boolean;
}

/** Sends requests to a route for {@link SECONDS}. */
export async function steadyLoad(url: string, { file, rate, connections, floods = false }: Load): Promise<Report> {
  const program = [process.execPath, pathOf('keys/steady-load.js')] as const;
  const options = [url, file, String(rate), String(SECONDS), String(connections), floods ? '0' : String(UNANSWERED_MS)];
  const [command, ...rest] = pinned([...program, ...options], { core: 1, givesWay: floods });
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
