import {
  inclusionSpans,
  LeafError,
  leafOf,
  verifyInclusion,
  type Bytes,
  type Checkpoint,
} from '@countersign/merkle-log';
import * as z from 'zod/mini';
import { type CheckpointReport } from './checkpoint-check.js';
import { TreeReader, type LogSource } from './log-source.js';
import { open, right, wrong, type Step } from './step.js';

/** An event exactly as the server sent it: its bytes are what is proven. */
export interface ShownEvent {
  readonly logIndex: number;
  readonly event: unknown;
}

export interface EventsReport {
  readonly steps: readonly Step[];
  /** Log indices of events that differ from the log's. */
  readonly altered: readonly number[];
  readonly proven: number;
}

const number = (value: number): string => value.toLocaleString('en');

function leafOrNothing(event: unknown): Bytes | undefined {
  try {
    return leafOf(event).hash;
  } catch (error) {
    if (error instanceof LeafError) return undefined;
    throw error;
  }
}

/** Checks that events are in the tree of a checkpoint exactly as they are shown (RFC 9162, section 2.1.3.2). @throws what fetching tiles throws */
export async function checkEvents(
  log: LogSource,
  { size, root }: Checkpoint,
  shown: readonly ShownEvent[],
): Promise<EventsReport> {
  const covered = shown.filter(({ logIndex }) => logIndex < size);
  const reader = new TreeReader(log, size);
  const paths = covered.map(({ logIndex }) => inclusionSpans(logIndex, size));
  const hashes = await reader.hashesOf(paths.flat());
  const altered: number[] = [];
  let at = 0;
  for (const [place, { logIndex, event }] of covered.entries()) {
    const length = paths[place]?.length ?? 0;
    const proof = hashes.slice(at, at + length);
    at += length;
    const leaf = leafOrNothing(event);
    if (leaf === undefined || !verifyInclusion(logIndex, size, leaf, proof, root)) altered.push(logIndex);
  }
  const proven = covered.length - altered.length;
  const one = shown.length === 1;
  const title = one ? 'The event is in the log' : 'The events are in the log';
  const fetched = `${number(reader.fetched)} ${reader.fetched === 1 ? 'tile' : 'tiles'} of hashes`;
  const steps: Step[] = [];
  if (altered.length > 0) {
    const places = altered.slice(0, 10).map(number).join(', ');
    steps.push(
      wrong(
        title,
        `What the page shows at log index ${places} differs from the log. It was changed in transit or in the database.`,
      ),
    );
  } else if (proven > 0) {
    const what = one
      ? `The event at log index ${number(covered[0]?.logIndex ?? 0)}`
      : `Each of ${number(proven)} events`;
    steps.push(
      right(
        title,
        `${what} leads, hash by hash, to the signed root of checkpoint ${number(size)}. ${fetched} were fetched; no claim of the server was trusted.`,
      ),
    );
  }
  const late = shown.length - covered.length;
  if (late > 0) {
    const what = late === 1 ? 'One event is' : `${number(late)} events are`;
    steps.push(
      open(
        'Newer than the checkpoint',
        `${what} newer than checkpoint ${number(size)}. The next one covers them, within a second or two.`,
      ),
    );
  }
  return { steps, altered, proven };
}

/** The findings about events: all steps, and those that concern the events. */
export interface Proven {
  readonly steps: readonly Step[];
  readonly answer: readonly Step[];
}

const eventIdSchema = z.object({ id: z.string() });

/** A genuine event in place of another is not an answer. */
function isAsked({ event }: ShownEvent, id: string): boolean {
  return z.safeParse(eventIdSchema, event).data?.id.toLowerCase() === id.toLowerCase();
}

/**
 * Proves events under the newest checkpoint.
 * @param id of the requested event, if one was requested by id
 * @throws what fetching tiles throws
 */
export async function proveEvents(
  log: LogSource,
  { checkpoint, steps }: CheckpointReport,
  shown: readonly ShownEvent[],
  id?: string,
): Promise<Proven> {
  if (checkpoint === undefined) return { steps, answer: [] };
  const answer =
    shown.length === 0
      ? [open('The events', 'There are no events to check.')]
      : id !== undefined && !shown.every((one) => isAsked(one, id))
        ? [wrong('The event', 'The server sent a different event than the one with this id.')]
        : (await checkEvents(log, checkpoint, shown)).steps;
  return { steps: [...steps, ...answer], answer };
}
