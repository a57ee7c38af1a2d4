import { setImmediate as afterTurn } from 'node:timers/promises';
import fc from 'fast-check';
import pg from 'pg';
import { groupedLookUp, Groups, Later, type Served } from './groups.js';

/** A database that answers when the test says so. */
class Work {
  readonly groups: (readonly number[])[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(private readonly serve: (item: number) => Served<string> = (item) => ({ result: String(item) })) {}

  readonly work = async (items: readonly number[]): Promise<readonly Served<string>[]> => {
    this.groups.push(items);
    await new Promise<void>((resolve) => this.#ends.push(resolve));
    return items.map(this.serve);
  };

  async end(): Promise<void> {
    this.#ends.shift()?.();
    await afterTurn();
  }
}

/** As PostgreSQL refuses a statement for a value in it. */
const refused = (code = '22P05') => Object.assign(new pg.DatabaseError('no', 2, 'error'), { code, severity: 'ERROR' });

const settled = (run: Promise<string>): Promise<string> =>
  run.then(
    (result) => result,
    (error: unknown) => (error instanceof Error ? error.message : 'no error'),
  );

describe('groups', () => {
  it('hold what comes in one turn of the event loop; two are served at a time, and what comes by then forms the next', async () => {
    const work = new Work();
    const groups = new Groups(work.work, { groupLimit: 3 });
    const results = [groups.run(1), groups.run(2)];
    expect(work.groups).toEqual([]);
    await afterTurn();
    for (const item of [3, 4, 5, 6, 7, 8]) results.push(groups.run(item));
    await afterTurn();
    expect(work.groups).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    await work.end();
    expect(work.groups).toHaveLength(3);
    await work.end();
    await work.end();
    expect(work.groups).toEqual([
      [1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ]);
    expect(await Promise.all(results)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });

  it('split what arrived together between two, and run alongside others only what is worth its own statement', async () => {
    const work = new Work();
    const groups = new Groups(work.work);
    const results = Array.from({ length: 90 }, (_, item) => groups.run(item));
    await afterTurn();
    expect(work.groups.map(({ length }) => length)).toEqual([30, 30]);
    await work.end();
    await work.end();
    expect(work.groups.map(({ length }) => length)).toEqual([30, 30, 24]);
    await work.end();
    expect(work.groups.map(({ length }) => length)).toEqual([30, 30, 24, 6]);
    await work.end();
    expect(await Promise.all(results)).toEqual(results.map((_, item) => String(item)));
  });

  it('never run at the same time when they share a name, and answer each item once, whatever ends first', async () => {
    const item = fc.record({ names: fc.array(fc.nat(3), { maxLength: 2 }), turn: fc.nat(3), later: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 60 }), fc.infiniteStream(fc.nat(1)), async (items, order) => {
        const served = new Map<object, number>();
        const open: { readonly names: readonly number[]; readonly end: () => void }[] = [];
        const groups = new Groups<(typeof items)[number], number>(
          async (group) => {
            const names = group.flatMap((one) => one.names);
            for (const other of open) expect(names.filter((name) => other.names.includes(name))).toEqual([]);
            await new Promise<void>((end) => open.push({ names, end }));
            return group.map((one) => {
              const times = (served.get(one) ?? 0) + 1;
              served.set(one, times);
              return one.later && times === 1 ? new Later() : { result: times };
            });
          },
          { groupLimit: 5, namesOf: ({ names }) => names.map(String) },
        );
        const results: Promise<number>[] = [];
        const end = async (): Promise<void> => {
          expect(open.length).toBeLessThanOrEqual(2);
          const [choice = 0] = order.take(1);
          open.splice(choice < open.length ? choice : 0, 1)[0]?.end();
          await afterTurn();
        };
        for (const one of items) {
          results.push(groups.run(one));
          for (let turn = 0; turn < one.turn; turn += 1) await end();
        }
        await afterTurn();
        while (open.length > 0) await end();
        expect(await Promise.all(results)).toEqual(items.map(({ later }) => (later ? 2 : 1)));
      }),
    );
  });

  it('process leftovers of this group first in the next', async () => {
    const left = new Set([2]);
    const work = new Work((item) => (left.delete(item) ? new Later() : { result: String(item) }));
    const groups = new Groups(work.work);
    const results = [groups.run(1), groups.run(2)];
    await afterTurn();
    results.push(groups.run(3));
    await work.end();
    expect(work.groups).toEqual([
      [1, 2],
      [2, 3],
    ]);
    await work.end();
    expect(await Promise.all(results)).toEqual(['1', '2', '3']);
  });

  it('retry a moment later what another process has locked, and refuse it if that lasts too long', async () => {
    let tries = 0;
    const later = () => Promise.resolve([new Later(1)]);
    const twice = new Groups<number, string>(() => ((tries += 1) < 3 ? later() : Promise.resolve([{ result: 'x' }])));
    expect(await twice.run(1)).toBe('x');
    expect(tries).toBe(3);
    const never = new Groups<number, string>(later, { waitLimitMs: 0 });
    await expect(never.run(1)).rejects.toMatchObject({ status: 503, code: 'OVERLOADED' });
  });

  it('refuse one more than may wait, and accept another once one is answered', async () => {
    const work = new Work();
    const groups = new Groups(work.work, { queueLimit: 2 });
    const results = [groups.run(1), groups.run(2)];
    await expect(groups.run(3)).rejects.toMatchObject({ status: 503, code: 'OVERLOADED' });
    await afterTurn();
    await work.end();
    expect(await Promise.all(results)).toEqual(['1', '2']);
    const fourth = groups.run(4);
    await afterTurn();
    await work.end();
    expect(await fourth).toBe('4');
  });

  it('fail only the items whose values PostgreSQL refuses, whichever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), async (faults) => {
        const groups = new Groups<number, string>((items) =>
          items.some((item) => faults[item] === true)
            ? Promise.reject(faults.length % 2 === 0 ? refused() : new Error('no', { cause: refused() }))
            : Promise.resolve(items.map((item) => ({ result: String(item) }))),
        );
        const results = await Promise.all(faults.map((_, item) => settled(groups.run(item))));
        expect(results).toEqual(faults.map((fault, item) => (fault ? 'no' : String(item))));
      }),
    );
  });

  it('are tried again apart after a deadlock, which another transaction caused', async () => {
    let tries = 0;
    const groups = new Groups<number, string>((items) => {
      tries += 1;
      return tries === 1
        ? Promise.reject(refused('40P01'))
        : Promise.resolve(items.map((item) => ({ result: String(item) })));
    });
    expect(await Promise.all([groups.run(1), groups.run(2)].map(settled))).toEqual(['1', '2']);
  });

  it.each([
    ['a lost connection, after which nobody knows what was committed', new Error('Connection terminated')],
    ['a server that shuts down', refused('57P01')],
  ])('are not tried again after %s', async (_, error) => {
    let tries = 0;
    const groups = new Groups<number, string>(() => {
      tries += 1;
      return Promise.reject(error);
    });
    const results = await Promise.all([groups.run(1), groups.run(2)].map(settled));
    expect([results, tries]).toEqual([[error.message, error.message], 1]);
  });

  it('look up each of the keys that are asked for together once, and tell each that asked', async () => {
    const asked: (readonly number[])[] = [];
    const find = groupedLookUp((keys: readonly number[]) => {
      asked.push(keys);
      return Promise.resolve(new Map([[1, 'one']]));
    });
    expect(await Promise.all([find(1), find(2), find(1)])).toEqual(['one', undefined, 'one']);
    expect(asked).toEqual([[1, 2]]);
  });
});
