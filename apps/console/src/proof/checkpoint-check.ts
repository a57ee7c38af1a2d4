import {
  consistencySpans,
  equal,
  importVerifierKey,
  NoteError,
  openCheckpointAsync,
  verifyConsistency,
  type Checkpoint,
} from '@countersign/merkle-log';
import { ApiProblem, faultOf } from '../api/problem.js';
import { TreeReader, type LogSource } from './log-source.js';
import { lastSeen, remembered, type Memory, type MemoryStore, type SeenCheckpoint } from './memory.js';
import { open, right, wrong, type Step } from './step.js';

/** A trusted checkpoint, or why there is none. */
export interface CheckpointReport {
  readonly steps: readonly Step[];
  /** Undefined if a step failed. */
  readonly checkpoint?: Checkpoint;
  /** Keys that the log shows and this browser has not pinned. */
  readonly newKeys: readonly string[];
  /** The keys used for the check. */
  readonly keys: readonly string[];
}

/** `name+id+key` without its key: what people compare. */
const shortKey = (key: string): string => key.split('+').slice(0, 2).join('+');
const number = (value: number): string => value.toLocaleString('en');

async function opened(note: string, keys: readonly string[]): Promise<Checkpoint> {
  return openCheckpointAsync(note, await Promise.all(keys.map(importVerifierKey)));
}

/** A message for the signature check's error. */
function signatureFault(error: unknown): string {
  if (error instanceof NoteError)
    return `${error.message}. Do not rely on what this page shows; ask the log’s operator.`;
  if (error instanceof DOMException && error.name === 'NotSupportedError')
    return 'This browser cannot check Ed25519 signatures. Use Chrome 137, Firefox 129, Safari 17 or newer.';
  return error instanceof Error ? error.message : 'The signature could not be checked.';
}

/**
 * Whether one tree begins with all of another.
 * @throws what fetching tiles throws
 */
export async function growth(log: LogSource, older: Checkpoint, newer: Checkpoint): Promise<boolean> {
  if (older.size === newer.size) return equal(older.root, newer.root);
  const proof = await new TreeReader(log, newer.size).hashesOf(consistencySpans(older.size, newer.size));
  return verifyConsistency(older.size, newer.size, older.root, newer.root, proof);
}

/** Whether a log could not be reached, which says nothing about its content. */
const isAway = (error: unknown): boolean =>
  error instanceof ApiProblem && ['away', 'signed-out', 'no-rights'].includes(faultOf(error));

/** Like {@link growth}; false if the log's data is inconsistent. @throws {ApiProblem} if the log cannot be reached */
export async function hasGrown(log: LogSource, older: Checkpoint, newer: Checkpoint): Promise<boolean> {
  return growth(log, older, newer).catch((error: unknown) => {
    if (isAway(error)) throw error;
    return false;
  });
}

async function judgeGrowth(log: LogSource, last: SeenCheckpoint, known: Checkpoint, now: Checkpoint): Promise<Step> {
  const title = 'The log only grew';
  const [older, newer] = known.size <= now.size ? [known, now] : [now, known];
  const since = `checkpoint ${number(last.size)}, which this browser saw on ${last.at.slice(0, 10)}`;
  if (!(await hasGrown(log, older, newer)))
    return wrong(title, `This log does not continue from ${since}: entries were changed or removed.`);
  if (known.size === now.size) return right(title, `It is the same as ${since}.`);
  return known.size < now.size
    ? right(
        title,
        `Everything up to ${since} is still in it, unchanged; ${number(now.size - known.size)} events came after.`,
      )
    : open(title, `The server shows an older checkpoint than ${since}. They are consistent; try again in a moment.`);
}

const forgotten = open(
  "This browser's memory",
  'This browser stores nothing for this page, so it cannot notice a log that changes its past. Allow the page to store data, or run: countersign audit verify',
);

/** Fetches the newest checkpoint and checks it: its signature with pinned keys, and that the log has only grown since this browser last looked. */
export async function checkCheckpoint(log: LogSource, store: MemoryStore, now: Date): Promise<CheckpointReport> {
  const [note, shown] = await Promise.all([log.checkpoint(), log.keys()]);
  const before = store.read();
  const memory: Memory = before ?? { keys: [...shown], pinnedAt: now.toISOString(), seen: [] };
  const { keys } = memory;
  const newKeys = shown.filter((key) => !keys.includes(key));
  const names = memory.keys.map(shortKey).join(', ');
  const keyStep =
    before === undefined
      ? open(
          "The log's key",
          `This browser sees the log for the first time and pins its key: ${names}. Compare it once with the key that the log's operator published.`,
        )
      : newKeys.length === 0
        ? right("The log's key", `It is the one that this browser pinned on ${memory.pinnedAt.slice(0, 10)}: ${names}.`)
        : open(
            "The log's key",
            `The log now also shows ${newKeys.map(shortKey).join(', ')}, which this browser does not know. Accept it only if its operator announced a new key.`,
          );
  let checkpoint: Checkpoint;
  try {
    checkpoint = await opened(note, memory.keys);
  } catch (error) {
    return { steps: [keyStep, wrong('The signature', signatureFault(error))], newKeys, keys };
  }
  const signature = right(
    'The signature',
    `Checkpoint ${number(checkpoint.size)} of ${checkpoint.origin} has a valid signature by this key.`,
  );
  const last = lastSeen(memory);
  const known = last === undefined ? undefined : await opened(last.note, memory.keys).catch(() => undefined);
  const grown =
    last === undefined || known === undefined
      ? open(
          'The log only grew',
          "This is the first checkpoint that this browser has seen. From now on it detects any change to the log's entries.",
        )
      : await judgeGrowth(log, last, known, checkpoint);
  const steps = [keyStep, signature, grown];
  if (grown.verdict === 'wrong') return { steps, newKeys, keys };
  // Read again: in the meantime another tab may have seen more, or a person may have accepted a key.
  const kept = store.write(remembered(store.read() ?? memory, { size: checkpoint.size, note, at: now.toISOString() }));
  return { steps: kept ? steps : [...steps, forgotten], checkpoint, newKeys, keys };
}

/** Pins keys that a person has compared with what the log's operator published. */
export function acceptKeys(store: MemoryStore, keys: readonly string[]): void {
  const memory = store.read();
  if (memory !== undefined) store.write({ ...memory, keys: [...new Set([...memory.keys, ...keys])] });
}

/** The growth between two checkpoints that this browser has seen. */
export interface Difference {
  readonly older: Checkpoint;
  readonly newer: Checkpoint;
  readonly step: Step;
}

/** Compares two checkpoints. @throws {NoteError} when one is not signed by a pinned key, and what fetching tiles throws */
export async function differenceOf(
  log: LogSource,
  memory: Memory,
  one: SeenCheckpoint,
  other: SeenCheckpoint,
): Promise<Difference> {
  const [low, high] = one.size <= other.size ? [one, other] : [other, one];
  const [older, newer] = await Promise.all([opened(low.note, memory.keys), opened(high.note, memory.keys)]);
  const title = `From checkpoint ${number(older.size)} to ${number(newer.size)}`;
  const came = newer.size - older.size;
  const step = (await growth(log, older, newer))
    ? right(
        title,
        came === 0
          ? 'They are the same.'
          : `${number(came)} events were added, at log indices ${number(older.size)} to ${number(newer.size - 1)}; nothing before them was changed.`,
      )
    : wrong(title, 'The newer tree does not contain the older one: entries were changed or removed.');
  return { older, newer, step };
}
