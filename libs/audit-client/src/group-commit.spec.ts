import { setImmediate as afterTurn } from 'node:timers/promises';
import { AuditEventError } from '@countersign/audit-event';
import { GroupCommit } from './group-commit.js';

/** A database whose writes end when the test says so. */
class Writes {
  readonly groups: (readonly number[])[] = [];
  readonly #ends: ((failure?: Error) => void)[] = [];

  readonly write = (items: readonly number[]): Promise<void> => {
    this.groups.push(items);
    return new Promise((resolve, reject) => {
      this.#ends.push((failure) => {
        if (failure === undefined) resolve();
        else reject(failure);
      });
    });
  };

  async end(failure?: Error): Promise<void> {
    this.#ends.shift()?.(failure);
    await afterTurn();
  }
}

const settings = { groupLimit: 4, queueLimit: 8 };

describe('a group commit', () => {
  it('lets writers that arrive in one turn of the event loop share one write, and those that arrive during it share the next', async () => {
    const writes = new Writes();
    const group = new GroupCommit(writes.write, settings);
    const first = Promise.all([group.add(1), group.add(2)]);
    expect(writes.groups).toEqual([]);
    await afterTurn();
    const second = [group.add(3)];
    await afterTurn();
    second.push(group.add(4));
    await afterTurn();
    expect(writes.groups).toEqual([[1, 2]]);
    await writes.end();
    await first;
    expect(writes.groups).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await writes.end();
    await Promise.all(second);
  });

  it('writes no more at once than a group may hold', async () => {
    const writes = new Writes();
    const group = new GroupCommit(writes.write, settings);
    const all = [1, 2, 3, 4, 5, 6, 7].map((item) => group.add(item));
    await afterTurn();
    expect(writes.groups).toEqual([[1, 2, 3, 4]]);
    await writes.end();
    expect(writes.groups.slice(1)).toEqual([[5, 6, 7]]);
    await writes.end();
    await Promise.all(all);
  });

  it('rejects only the writers of a failed write, with the reason', async () => {
    const writes = new Writes();
    const group = new GroupCommit(writes.write, settings);
    const outcomes = [1, 2, 3, 4, 5].map((item) =>
      group.add(item).then(
        () => 'written',
        (error: unknown) => String(error),
      ),
    );
    await afterTurn();
    await writes.end(new Error('the disk is full'));
    await writes.end();
    expect(await Promise.all(outcomes)).toEqual([...new Array<string>(4).fill('Error: the disk is full'), 'written']);
  });

  it('refuses an item beyond the maximum that may wait', async () => {
    const group = new GroupCommit(() => new Promise<void>(() => undefined), settings);
    for (let item = 0; item < 8; item += 1) void group.add(item);
    await expect(group.add(8)).rejects.toThrow(AuditEventError);
    await afterTurn();
    for (let item = 8; item < 12; item += 1) void group.add(item);
    await expect(group.add(12)).rejects.toThrow(AuditEventError);
  });
});
