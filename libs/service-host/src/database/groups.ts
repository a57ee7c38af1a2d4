import { databaseFaultOf } from '../problems/database-fault.js';
import { Problem } from '../problems/problem.js';

/** An item that this group left out, or that another process holds: it goes into a later group. */
export class Later {
  /** @param afterMs milliseconds until it is tried again; 0: in the next group */
  constructor(readonly afterMs = 0) {}
}

/** The outcome of an item. */
export type Served<Result> = { readonly result: Result } | Later;

export interface GroupsOptions {
  /** Maximum items in one group. */
  readonly groupLimit: number;
  /** Maximum items that may wait; more are refused. */
  readonly queueLimit: number;
  /** Milliseconds after which an item that was always left for later is refused. */
  readonly waitLimitMs: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  /** Milliseconds, by `performance.now`. */
  readonly since: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

const usual: GroupsOptions = { groupLimit: 500, queueLimit: 10_000, waitLimitMs: 5_000 };

function overrun(): Problem {
  return new Problem(503, 'OVERLOADED', 'Too many requests wait for the database; try again.', { retry_after: 1 });
}

/** PostgreSQL refused a statement and undid all of it: a value of one item may be why. */
function mayBeOneItem(error: unknown): boolean {
  if (databaseFaultOf(error) !== undefined) return false;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('severity' in cause && 'code' in cause) return true;
  }
  return false;
}

/**
 * Lets concurrent callers share one statement, each with an outcome of its own. What comes in one turn of the event loop makes a group, and so does
 * all that comes while a group is served: nobody waits for others, and under load groups grow by themselves. One group is served at a time. When
 * PostgreSQL refuses a group, its halves are served apart, down to the item that is at fault: only that one fails.
 */
export class Groups<Item, Result> {
  readonly #options: GroupsOptions;
  #waiting: Waiting<Item, Result>[] = [];
  #unanswered = 0;
  #serving = false;

  /** @param work serves a group in one transaction, all or nothing; answers in the order of its items */
  constructor(
    private readonly work: (items: readonly Item[]) => Promise<readonly Served<Result>[]>,
    options: Partial<GroupsOptions> = {},
  ) {
    this.#options = { ...usual, ...options };
  }

  /**
   * @throws {Problem} 503 `OVERLOADED` where too many wait, or this one too long
   * @throws the database's error for the item's group, or for the item itself
   */
  run(item: Item): Promise<Result> {
    if (this.#unanswered >= this.#options.queueLimit) return Promise.reject(overrun());
    this.#unanswered += 1;
    return new Promise((resolve, reject) => {
      this.#queue({ item, since: performance.now(), resolve, reject });
    });
  }

  #queue(one: Waiting<Item, Result>): void {
    this.#waiting.push(one);
    if (this.#serving) return;
    this.#serving = true;
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#options.groupLimit);
      const left = await this.#serve(group);
      if (left.length > 0) this.#waiting = [...left, ...this.#waiting];
    }
    this.#serving = false;
  }

  /** @returns those that go into the next group */
  async #serve(group: readonly Waiting<Item, Result>[]): Promise<readonly Waiting<Item, Result>[]> {
    let served: readonly Served<Result>[];
    try {
      served = await this.work(group.map(({ item }) => item));
      if (served.length !== group.length) throw new Error('a group answers for each of its items');
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

  /** Answers an item. @returns whether it goes into the next group instead */
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
 * Lets concurrent look-ups share one statement.
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
