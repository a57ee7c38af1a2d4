import { randomBytes } from 'node:crypto';

export interface KeptOptions {
  readonly lifeMs: number;
  /** Also deleted when unused for that long. */
  readonly idleMs?: number;
  /** Maximum number of entries; the oldest is evicted. */
  readonly limit: number;
  readonly now: () => number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly since: number;
  usedAt: number;
}

/** Values under unguessable names, in memory, each with an expiry. One process only: a second replica needs a shared store. */
export class Kept<Value> {
  private readonly entries = new Map<string, Entry<Value>>();
  constructor(private readonly options: KeptOptions) {}

  /** A name of 256 random bits. */
  newName(): string {
    return randomBytes(32).toString('base64url');
  }

  /** Stores a value under a new name. */
  add(value: Value): string {
    const name = this.newName();
    this.put(name, value);
    return name;
  }

  put(name: string, value: Value): void {
    const now = this.options.now();
    for (const [key, entry] of this.entries) {
      if (this.entries.size < this.options.limit && !this.isOver(entry, now)) break;
      this.entries.delete(key);
    }
    this.entries.set(name, { value, since: now, usedAt: now });
  }

  get(name: string | undefined): Value | undefined {
    const entry = name === undefined ? undefined : this.entries.get(name);
    if (name === undefined || entry === undefined) return undefined;
    const now = this.options.now();
    if (this.isOver(entry, now)) {
      this.entries.delete(name);
      return undefined;
    }
    entry.usedAt = now;
    return entry.value;
  }

  delete(name: string): void {
    this.entries.delete(name);
  }

  /** Removes the entries that match the rule. */
  deleteWhere(rule: (value: Value) => boolean): void {
    for (const [name, { value }] of this.entries) if (rule(value)) this.entries.delete(name);
  }

  private isOver({ since, usedAt }: Entry<Value>, now: number): boolean {
    const { lifeMs, idleMs = lifeMs } = this.options;
    return now - since >= lifeMs || now - usedAt >= idleMs;
  }
}
