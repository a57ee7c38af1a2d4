import * as z from 'zod/mini';

/** Maximum checkpoints kept for comparison; the newest. */
const KEPT = 50;
const KEY = 'countersign.proof';

const seenSchema = z.object({
  size: z.number().check(z.int(), z.nonnegative()),
  /** The signed note. */
  note: z.string().check(z.maxLength(100_000)),
  /** When this browser first saw it, RFC 3339. */
  at: z.string(),
});
export type SeenCheckpoint = z.infer<typeof seenSchema>;

const memorySchema = z.object({
  /** The log's keys (C2SP signed-note), as first used by this browser, or as accepted by a person since. */
  keys: z.array(z.string().check(z.maxLength(1_000))).check(z.maxLength(100)),
  pinnedAt: z.string(),
  /** Oldest first. */
  seen: z.array(seenSchema).check(z.maxLength(KEPT)),
});

/** What this browser remembers of the log, so that the log cannot change its history unnoticed. */
export type Memory = z.infer<typeof memorySchema>;

/** Where it is kept. */
export interface MemoryStore {
  read(): Memory | undefined;
  /** @returns false if nothing may be stored */
  write(memory: Memory): boolean;
}

/** In this browser, for this page's origin. */
export const browserMemory: MemoryStore = {
  read() {
    try {
      return z.safeParse(memorySchema, JSON.parse(localStorage.getItem(KEY) ?? 'null')).data;
    } catch {
      return undefined;
    }
  },
  write(memory) {
    try {
      localStorage.setItem(KEY, JSON.stringify(memory));
      return true;
    } catch {
      return false;
    }
  },
};

/** The newest checkpoint that was seen. */
export function lastSeen(memory: Memory | undefined): SeenCheckpoint | undefined {
  return memory?.seen.at(-1);
}

/** Adds a checkpoint that was verified; the very first one stays, so that there is always an old one. */
export function remembered(memory: Memory, checkpoint: SeenCheckpoint): Memory {
  if (memory.seen.some(({ size }) => size === checkpoint.size)) return memory;
  const seen = [...memory.seen, checkpoint].sort((one, other) => one.size - other.size);
  return { ...memory, seen: seen.length > KEPT ? [...seen.slice(0, 1), ...seen.slice(2)] : seen };
}
