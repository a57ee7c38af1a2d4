import fc from 'fast-check';
import * as z from 'zod/mini';
import { openCheckpointAsync, importVerifierKey, type Checkpoint } from '@countersign/merkle-log';
import { eventSchema } from '../api/events.js';
import { ApiProblem } from '../api/problem.js';
import { acceptKeys, checkCheckpoint, differenceOf } from './checkpoint-check.js';
import { checkEvents, proveEvents } from './event-check.js';
import { checkExport } from './export-file-check.js';
import { type Memory, type MemoryStore } from './memory.js';
import { verdictOf } from './step.js';
import { LogOfEvents, someEvents } from './testing/log-of-events.js';

const now = new Date('2026-11-26T10:00:00Z');

function forgetful(): MemoryStore & { memory: Memory | undefined } {
  return {
    memory: undefined,
    read() {
      return this.memory;
    },
    write(memory) {
      this.memory = memory;
      return true;
    },
  };
}
async function checkpointOf(log: LogOfEvents): Promise<Checkpoint> {
  return openCheckpointAsync(await log.checkpoint(), await Promise.all((await log.keys()).map(importVerifierKey)));
}

describe('the newest checkpoint', () => {
  it('is trusted on first use, and later only when the log still holds everything that it held', async () => {
    const store = forgetful();
    const log = new LogOfEvents(someEvents(700));
    log.size = 300;
    expect((await checkCheckpoint(log, store, now)).checkpoint?.size).toBe(300);
    log.size = 700;
    const second = await checkCheckpoint(log, store, now);
    expect(second.steps.map(({ verdict }) => verdict)).toEqual(['right', 'right', 'right']);
    expect(second.steps[2]?.words).toContain('400 events came after');
    const rewritten = new LogOfEvents(someEvents(800, 'never paid'));
    rewritten.signers = log.signers;
    const third = await checkCheckpoint(rewritten, store, now);
    expect(third.checkpoint).toBeUndefined();
    expect(third.steps[2]).toMatchObject({ verdict: 'wrong', title: 'The log only grew' });
    expect(store.memory?.seen.map(({ size }) => size)).toEqual([300, 700]);
  });

  it('is refused when another key signed it; a new key beside the known one is shown, and counts once it was accepted', async () => {
    const store = forgetful();
    const log = new LogOfEvents(someEvents(20));
    await checkCheckpoint(log, store, now);
    const [known] = log.signers;
    const stranger = new LogOfEvents(log.events);
    const refused = await checkCheckpoint(stranger, store, now);
    expect(refused.checkpoint).toBeUndefined();
    expect(refused.steps[1]).toMatchObject({ verdict: 'wrong', title: 'The signature' });
    log.addKey();
    const { newKeys, checkpoint } = await checkCheckpoint(log, store, now);
    expect([newKeys.length, checkpoint?.size]).toEqual([1, 20]);
    log.signers = [log.signers.find((signer) => signer !== known) ?? log.signers[0]];
    expect((await checkCheckpoint(log, store, now)).checkpoint).toBeUndefined();
    acceptKeys(store, newKeys);
    expect((await checkCheckpoint(log, store, now)).checkpoint?.size).toBe(20);
  });

  it('is not called changed where the log could not be asked', async () => {
    const store = forgetful();
    const log = new LogOfEvents(someEvents(700));
    log.size = 300;
    await checkCheckpoint(log, store, now);
    log.size = 700;
    const text = log.export(0, 10);
    const trusted = await checkpointOf(log);
    const away = new ApiProblem(0, 'UNREACHABLE', 'The server cannot be reached.');
    log.bytes = () => Promise.reject(away);
    await expect(checkCheckpoint(log, store, now)).rejects.toBe(away);
    log.size = 300;
    await expect(checkExport(log, await checkpointOf(log), await log.keys(), text)).rejects.toBe(away);
    expect(trusted.size).toBe(700);
  });

  it('leaves what another tab learned in the meantime', async () => {
    const store = forgetful();
    const log = new LogOfEvents(someEvents(700));
    log.size = 300;
    await checkCheckpoint(log, store, now);
    log.size = 700;
    const bytes = log.bytes.bind(log);
    log.bytes = (path) => {
      acceptKeys(store, ['accepted meanwhile']);
      return bytes(path);
    };
    await checkCheckpoint(log, store, now);
    expect(store.memory?.keys).toContain('accepted meanwhile');
    expect(store.memory?.seen.map(({ size }) => size)).toEqual([300, 700]);
  });

  it('is checked also by a browser that keeps nothing, which says so', async () => {
    const log = new LogOfEvents(someEvents(20));
    const { checkpoint, keys, steps } = await checkCheckpoint(log, { read: () => undefined, write: () => false }, now);
    expect([checkpoint?.size, keys]).toEqual([20, await log.keys()]);
    expect(steps.at(-1)).toMatchObject({ verdict: 'open', title: "This browser's memory" });
  });

  it('and an earlier one differ by the events between them', async () => {
    const store = forgetful();
    const log = new LogOfEvents(someEvents(600));
    for (const size of [257, 600]) {
      log.size = size;
      await checkCheckpoint(log, store, now);
    }
    const { memory } = store;
    const [one, other] = memory?.seen ?? [];
    if (memory === undefined || one === undefined || other === undefined) throw new Error('nothing is remembered');
    const { step } = await differenceOf(log, memory, other, one);
    expect(step).toMatchObject({ verdict: 'right', words: expect.stringContaining('343 events') });
    const rewritten = new LogOfEvents(someEvents(600, 'never paid'));
    expect((await differenceOf(rewritten, memory, one, other)).step.verdict).toBe('wrong');
  });
});

describe('events', () => {
  it('are proven as they are shown, and one of which anything was changed is named', async () => {
    const log = new LogOfEvents(someEvents(600));
    const checkpoint = await checkpointOf(log);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat({ max: 599 }), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        async (indices, at) => {
          const shown = indices.map((logIndex) => ({ logIndex, event: log.events[logIndex] }));
          const fine = await checkEvents(log, checkpoint, shown);
          expect([verdictOf(fine.steps), fine.altered, fine.proven]).toEqual(['right', [], shown.length]);
          const place = at % shown.length;
          const altered = shown.with(place, {
            ...shown[place],
            logIndex: indices[place] ?? 0,
            event: { ...log.events[0], id: 'x' },
          });
          expect((await checkEvents(log, checkpoint, altered)).altered).toEqual([indices[place]]);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('are proven as screens hold them, also with members that this version does not know', async () => {
    const principal = { subject: 'ada', client_id: 'shop', actors: [], scopes: [], jti: 'j' };
    const event = {
      ...{ specversion: '1.0', id: 'e', source: 'shop', type: 'a.b.c.d.v1', subject: 'x/1', sequence: '1', later: 1 },
      time: '2026-11-26T10:00:00.000Z',
      data: {
        ...{ txn: null, action: 'a', resource: 'x/1', outcome: 'allowed', later: { at: 2 } },
        principal: {
          ...principal,
          later: 3,
          api_key: { id: 'k', name: 'till', later: 4 },
          person: { roles: ['clerk'], later: 5 },
        },
        request: { method: 'GET', route: '/', id: 'r', peer: 'masked:x', later: 6 },
        changes: { later: 7 },
      },
    };
    const log = new LogOfEvents([...someEvents(9), event]);
    const held = z.parse(eventSchema, event);
    const report = await checkEvents(log, await checkpointOf(log), [{ logIndex: 9, event: held }]);
    expect(report).toMatchObject({ altered: [], proven: 1 });
  });

  it('that are newer than the checkpoint are not called proven', async () => {
    const log = new LogOfEvents(someEvents(30));
    log.size = 20;
    const report = await checkEvents(log, await checkpointOf(log), [{ logIndex: 25, event: log.events[25] }]);
    expect(verdictOf(report.steps)).toBe('open');
    expect(report.steps[0]?.words).toContain('newer than checkpoint 20');
  });

  it('are proven by what is found of them, not by the checkpoint', async () => {
    const log = new LogOfEvents(someEvents(30));
    log.size = 20;
    const report = await checkCheckpoint(log, forgetful(), now);
    const shownAt = (logIndex: number) => ({ logIndex, event: log.events[logIndex] });
    const verdict = async (shown: Parameters<typeof proveEvents>[2], id?: string) => {
      const { steps, answer } = await proveEvents(log, report, shown, id);
      return verdictOf(steps, answer);
    };
    expect(await verdict([shownAt(3)])).toBe('right');
    expect(await verdict([shownAt(25)])).toBe('open');
    expect(await verdict([])).toBe('open');
    const { id } = z.parse(z.object({ id: z.string() }), log.events[3]);
    expect(await verdict([shownAt(3)], id)).toBe('right');
    expect(await verdict([shownAt(4)], id)).toBe('wrong');
  });
});

describe('an export file', () => {
  const log = new LogOfEvents(someEvents(400));
  const file = log.export(100, 160);
  const check = async (text: string) => checkExport(log, await checkpointOf(log), await log.keys(), text);

  it('is proven, event by event', async () => {
    const report = await check(file);
    expect(report).toMatchObject({ places: [], events: 60 });
    expect(verdictOf(report.steps)).toBe('right');
  });

  it('names the events that a restore lost, as the log declares', async () => {
    const declared = (sequence: string, type: string, changes: object) => ({
      id: `audit-${sequence}`,
      source: 'audit',
      sequence,
      type: `countersign.audit.${type}.v1`,
      time: now.toISOString(),
      data: { changes },
    });
    const span = { first_index: '10', end_index: '30', lost_entries: 1 };
    const events = [...someEvents(20), declared('1', 'entry.lost', {}), declared('2', 'log.recovered', span)];
    const restored = new LogOfEvents(events);
    const { steps, places } = await checkExport(
      restored,
      await checkpointOf(restored),
      await restored.keys(),
      restored.export(0, 22),
    );
    expect(places).toEqual([]);
    expect(steps.find(({ title }) => title === 'Lost entries')?.words).toMatch(/these log indices: 20\.$/);
  });

  it('shows the byte of an event that was changed, on its line and in the whole file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 100, max: 159 }), fc.constantFrom('paid', '"ü"'), async (index, what) => {
        const lines = file.split('\n');
        const place = index - 100 + 1;
        const line = lines[place] ?? '';
        const column = line.indexOf(what) + what.length - 2;
        const changed = `${line.slice(0, column)}${line[column] === 'i' ? 'o' : 'z'}${line.slice(column + 1)}`;
        const text = lines.with(place, changed).join('\n');
        const { places, steps } = await check(text);
        expect(verdictOf(steps)).toBe('wrong');
        const offset =
          Buffer.byteLength(lines.slice(0, place).join('\n')) + 1 + Buffer.byteLength(line.slice(0, column));
        expect(places[0]).toMatchObject({
          line: place + 1,
          logIndex: index,
          changed: { column: column + 1, offset },
        });
        expect(Buffer.from(text)[offset]).not.toBe(Buffer.from(file)[offset]);
      }),
      { numRuns: 20 },
    );
  });

  it('with any character of it changed is never passed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom('x', '0', '"', ' ', '}'), async (at, character) => {
        const place = at % (file.length - 1);
        const text = `${file.slice(0, place)}${character}${file.slice(place + 1)}`;
        const { steps, places } = await check(text);
        if (text === file) return;
        expect([verdictOf(steps), places.length > 0]).toEqual(['wrong', true]);
      }),
      { numRuns: 150 },
    );
  });

  it('shows where a line stops being readable, and refuses what is not an export', async () => {
    const lines = file.split('\n');
    const cut = (lines[7] ?? '').replace('"source":', '"source"x');
    const { places } = await check(lines.with(7, cut).join('\n'));
    expect(places[0]).toMatchObject({ line: 8, unreadable: { column: cut.indexOf('"source"x') + 9 } });
    expect(verdictOf((await check('hello\n')).steps)).toBe('wrong');
    expect(verdictOf((await check(lines.slice(0, 20).join('\n'))).steps)).toBe('wrong');
  });
});
