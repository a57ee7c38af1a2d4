import { causesOf, databaseFaultOf, DEADLOCK, sqlStateOf } from '../problems/database-fault.js';
import { Problem } from '../problems/problem.js';

/** An item that this group skipped, or that another process holds: it joins a later group. */
export class Later {
  /** @param afterMs milliseconds until it is tried again; 0: in the next group */
  constructor(readonly afterMs = 0) {}
}

/** The outcome of an item. */
export type Served<Result> = { readonly result: Result } | Later;

/** Limits of {@link Groups}, and what its items use up. */
export interface GroupsOptions<Item> {
  /** Maximum items in one group. */
  readonly groupLimit: number;
  /** Maximum waiting items; more are refused. */
  readonly queueLimit: number;
  /** Milliseconds after which an item that was always postponed is refused. */
  readonly waitLimitMs: number;
  /** Maximum groups served concurrently, each over its own connection. */
  readonly atOnce: number;
  /** Names of what an item uses up. An item that shares a name with one being served waits here, because it would only wait in the database. */
  readonly namesOf: (item: Item) => readonly string[];
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly names: readonly string[];
  /** Milliseconds, by `performance.now`. */
  readonly since: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Minimum items for a separate statement while another group is served: a statement costs as much as a few items. */
const WORTH_A_GROUP = 8;
/** Items of a group before any are left for others. */
const PART_MINIMUM = 24;

const nameless: readonly string[] = [];
const usual: GroupsOptions<unknown> = {
  groupLimit: 500,
  queueLimit: 10_000,
  waitLimitMs: 5_000,
  atOnce: 2,
  namesOf: () => nameless,
};

function overrun(): Problem {
  return new Problem(503, 'OVERLOADED', 'Too many requests are waiting for the database; try again.', {
    retry_after: 1,
  });
}

/** PostgreSQL refused a statement and rolled it back: because of one item's value, or because of rows that another transaction needs too. */
function mayBeOneItem(error: unknown): boolean {
  if (sqlStateOf(error) !== DEADLOCK && databaseFaultOf(error) !== undefined) return false;
  return causesOf(error).some((cause) => 'severity' in cause && 'code' in cause);
}

/**
 * Lets concurrent callers share one statement, each with its own outcome. Items that arrive in one turn of the event loop form a group, and so do
 * all that arrive while groups are served: nobody waits for others, and groups grow with load. Two groups are served at a time, each
 * with a third of the unanswered items, so that this process decides and signs while the database commits. If PostgreSQL refuses a group, its
 * halves are served separately, down to the faulty item: only that one fails.
 */
export class Groups<Item, Result> {
  readonly #options: GroupsOptions<Item>;
  #waiting: Waiting<Item, Result>[] = [];
  #unanswered = 0;
  /** Groups and items that are being served. */
  #groups = 0;
  #items = 0;
  /** Names of the items being served, each with a count. */
  readonly #held = new Map<string, number>();
  #begins = false;

  /** @param work serves a group in one transaction, all or nothing; answers in the order of its items */
  constructor(
    private readonly work: (items: readonly Item[]) => Promise<readonly Served<Result>[]>,
    options: Partial<GroupsOptions<Item>> = {},
  ) {
    this.#options = { ...usual, ...options };
  }

  /**
   * @throws {Problem} 503 `OVERLOADED` if too many are waiting, or this one waited too long
   * @throws the database's error for the item's group, or for the item itself
   */
  run(item: Item): Promise<Result> {
    if (this.#unanswered >= this.#options.queueLimit) return Promise.reject(overrun());
    this.#unanswered += 1;
    return new Promise((resolve, reject) => {
      const names = this.#options.namesOf(item);
      this.#queue({ item, names, since: performance.now(), resolve, reject });
    });
  }

  #queue(one: Waiting<Item, Result>): void {
    this.#waiting.push(one);
    if (this.#begins || this.#groups >= this.#options.atOnce) return;
    this.#begins = true;
    setImmediate(() => {
      this.#begins = false;
      this.#begin();
    });
  }

  #begin(): void {
    while (this.#groups < this.#options.atOnce && this.#waiting.length >= Math.min(this.#items, WORTH_A_GROUP)) {
      const group = this.#next();
      if (group.length === 0) return;
      void this.#serveApart(group);
    }
  }

  /** Takes the next group from the waiting items: its share of all (one share is still being decided), oldest first, without items that share a name with one being served. */
  #next(): readonly Waiting<Item, Result>[] {
    const { groupLimit, atOnce } = this.#options;
    const part = Math.ceil(this.#unanswered / (atOnce + 1));
    const size = Math.min(Math.max(part, PART_MINIMUM), groupLimit);
    const isHeld = (name: string): boolean => this.#held.has(name);
    if (this.#held.size === 0) return this.#waiting.splice(0, size);
    const group: Waiting<Item, Result>[] = [];
    const rest: Waiting<Item, Result>[] = [];
    for (const one of this.#waiting) (group.length < size && !one.names.some(isHeld) ? group : rest).push(one);
    this.#waiting = rest;
    return group;
  }

  async #serveApart(group: readonly Waiting<Item, Result>[]): Promise<void> {
    this.#hold(group, 1);
    const left = await this.#serve(group);
    this.#hold(group, -1);
    if (left.length > 0) this.#waiting = [...left, ...this.#waiting];
    this.#begin();
  }

  #hold(group: readonly Waiting<Item, Result>[], count: 1 | -1): void {
    this.#groups += count;
    this.#items += count * group.length;
    for (const { names } of group) {
      for (const name of names) {
        const holders = (this.#held.get(name) ?? 0) + count;
        if (holders === 0) this.#held.delete(name);
        else this.#held.set(name, holders);
      }
    }
  }

  /** @returns those that join the next group */
  async #serve(group: readonly Waiting<Item, Result>[]): Promise<readonly Waiting<Item, Result>[]> {
    let served: readonly Served<Result>[];
    try {
      served = await this.work(group.map(({ item }) => item));
      if (served.length !== group.length) throw new Error('a group must return a result for each of its items');
    } catch (error) {
      if (group.length > 1 && mayBeOneItem(error)) {
        const half = group.length >> 1;
        return [...(await this.#serve(group.slice(0, half))), ...(await this.#serve(group.slice(half)))];
      }
      this.#unanswered -= group.length;
      for (const { reject } of group) reject(error);
      return [];
    }
    return group.filter((one, index) => this.#staysFor(one, served[index]));
  }

  /** Answers an item. @returns whether it joins the next group instead */
  #staysFor(one: Waiting<Item, Result>, served: Served<Result> | undefined): boolean {
    if (served instanceof Later) {
      if (performance.now() - one.since <= this.#options.waitLimitMs) {
        if (served.afterMs === 0) return true;
        setTimeout(() => {
          this.#queue(one);
        }, served.afterMs);
        return false;
      }
      one.reject(overrun());
    } else if (served !== undefined) one.resolve(served.result);
    this.#unanswered -= 1;
    return false;
  }
}

/**
 * Lets concurrent lookups share one statement.
 * @param find the values of keys, each named once; a key without one is left out
 * @returns looks a key up
 */
export function groupedLookUp<Key, Value>(
  find: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
): (key: Key) => Promise<Value | undefined> {
  const groups = new Groups<Key, Value | undefined>(async (keys) => {
    const found = await find([...new Set(keys)]);
    return keys.map((key) => ({ result: found.get(key) }));
  });
  return (key) => groups.run(key);
}
