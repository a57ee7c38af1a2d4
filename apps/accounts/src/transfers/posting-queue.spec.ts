import { setImmediate as turn } from 'node:timers/promises';
import { accountId } from '../testing/ledger-model.js';
import { PostingQueue, QueueFullError, type PostingQueueOptions, type Work } from './posting-queue.js';

/** A queue whose batches end when the test says so. */
function startQueue(options: Partial<PostingQueueOptions> = {}) {
  const running: { readonly items: readonly string[]; readonly end: () => Promise<void> }[] = [];
  const run = (batch: readonly Work<string, string>[]): Promise<void> =>
    new Promise((resolve) => {
      running.push({
        items: batch.map(({ item }) => item),
        async end() {
          for (const { item, resolve: settle } of batch) settle(`${item} done`);
          resolve();
          await turn();
        },
      });
    });
  const queue = new PostingQueue<string, string>(run, { lanes: 4, batchLimit: 3, queueLimit: 10, ...options });
  return { running, add: (item: string, ...accounts: number[]) => queue.add(item, accounts.map(accountId)) };
}

describe('the posting queue', () => {
  it('lets transfers waiting for a busy account share the next batch, in order of arrival', async () => {
    const { add, running } = startQueue();
    const results = ['a', 'b', 'c', 'd', 'e'].map((item) => add(item, 1));
    expect(running.map(({ items }) => items)).toEqual([['a']]);
    await running[0]?.end();
    expect(running[1]?.items).toEqual(['b', 'c', 'd']);
    await running[1]?.end();
    await running[2]?.end();
    expect(await Promise.all(results)).toEqual(['a done', 'b done', 'c done', 'd done', 'e done']);
  });

  it('does not let work on other accounts wait for it', () => {
    const { add, running } = startQueue();
    void add('hot', 1, 2);
    void add('waits', 2, 3);
    void add('apart', 4, 5);
    expect(running.map(({ items }) => items)).toEqual([['hot'], ['apart']]);
  });

  it('never lets newer work overtake older work on the same account', async () => {
    const { add, running } = startQueue();
    void add('first', 1);
    void add('older', 1, 2);
    void add('younger', 2);
    expect(running.map(({ items }) => items)).toEqual([['first']]);
    await running[0]?.end();
    expect(running[1]?.items).toEqual(['older', 'younger']);
  });

  it('accepts no more than its lanes and its queue hold', async () => {
    const { add, running } = startQueue({ lanes: 1, queueLimit: 2 });
    void add('runs', 1);
    void add('waits', 2);
    void add('waits too', 3);
    await expect(add('too many', 4)).rejects.toThrow(QueueFullError);
    expect(running).toHaveLength(1);
  });
});
