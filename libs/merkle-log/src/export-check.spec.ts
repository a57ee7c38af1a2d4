import fc from 'fast-check';
import { type Checkpoint } from './checkpoint.js';
import { ExportCheck, type ExportedEntry, type ExportReport } from './export-check.js';
import { leafHash, rootOf } from './tree.js';

const hashOf = (text: string): Buffer => leafHash(Buffer.from(text));
const entry = (index: number): ExportedEntry => ({
  logIndex: index,
  leaf: hashOf(String(index)),
  recorded: hashOf(String(index)),
  source: index % 3 === 0 ? 'issuer' : 'payments',
  sequence: BigInt(index % 3 === 0 ? index / 3 + 1 : index - Math.floor(index / 3)),
  time: index * 1_000,
});
const log = (size: number): ExportedEntry[] => Array.from({ length: size }, (_, index) => entry(index));
const checkpointOf = (size: number, entries = log(size)): Checkpoint => ({
  origin: 'log.test',
  size,
  root: rootOf(entries.slice(0, size).map(({ recorded, leaf }) => recorded ?? leaf)),
});
function check(entries: readonly ExportedEntry[], checkpoints: readonly Checkpoint[]): ExportReport {
  const running = new ExportCheck({ checkpoints });
  for (const one of entries) running.add(one);
  return running.finish();
}
const checkpoints = [checkpointOf(300), checkpointOf(700)];
const first = (entries: readonly ExportedEntry[], against = checkpoints) => check(entries, against).faults[0];
/** As a row of the database would be: the index and the recorded hash stay where they are. */
const withEvent = (at: number, event: ExportedEntry): ExportedEntry => ({
  ...event,
  logIndex: at,
  recorded: entry(at).recorded ?? event.leaf,
});

describe('an export', () => {
  it('that is complete passes, even with events newer than the newest checkpoint', () => {
    expect(check(log(700), checkpoints)).toEqual({
      faults: [],
      entries: 700,
      uncovered: 0,
      first: 0,
      end: 700,
      complete: true,
      sources: [
        { source: 'issuer', through: '234' },
        { source: 'payments', through: '466' },
      ],
      lost: [],
    });
    expect(check(log(720), checkpoints)).toMatchObject({ faults: [], uncovered: 20 });
    expect(
      check(
        log(700).map(({ logIndex, leaf, source, sequence, time }) => ({ logIndex, leaf, source, sequence, time })),
        checkpoints,
      ).faults,
    ).toEqual([]);
  });

  it('names the event that was altered, wherever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 699 }), (at) => {
        const altered = log(700).with(at, { ...entry(at), leaf: hashOf('altered') });
        expect(first(altered)).toMatchObject({ code: 'EVENT_ALTERED', logIndex: at });
      }),
      { numRuns: 20 },
    );
  });

  it('names the event that was removed, whether its place is empty or the later ones moved up', () => {
    expect(first(log(700).toSpliced(41, 1))).toMatchObject({ code: 'EVENT_MISSING', logIndex: 41 });
    const movedUp = log(699).map((kept, at) => (at < 41 ? kept : withEvent(at, entry(at + 1))));
    expect(first(movedUp)).toMatchObject({ code: 'EVENT_MISSING', logIndex: 41 });
  });

  it('names the event that was inserted', () => {
    const inserted = { ...entry(41), leaf: hashOf('inserted'), source: 'other', sequence: 1n };
    const movedDown = log(701).map((kept, at) => {
      return at < 41 ? kept : withEvent(at, at === 41 ? inserted : entry(at - 1));
    });
    expect(first(movedDown)).toMatchObject({ code: 'EVENT_INSERTED', logIndex: 41 });
  });

  it('names swapped events', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 1, max: 99 }), (one, distance) => {
        const other = one + distance;
        const swapped = log(700)
          .with(one, withEvent(one, entry(other)))
          .with(other, withEvent(other, entry(one)));
        expect(first(swapped)).toMatchObject({ code: 'EVENTS_REORDERED', logIndex: one });
      }),
      { numRuns: 20 },
    );
    const lines = log(700);
    expect(first([...lines.slice(0, 5), entry(6), entry(5), ...lines.slice(7)])).toMatchObject({ logIndex: 5 });
  });

  it('that ends early, or whose log was rewritten, names the place', () => {
    expect(first(log(650))).toMatchObject({ code: 'LOG_TRUNCATED', logIndex: 650 });
    const rewritten = log(700).map((kept) =>
      kept.logIndex === 500 ? { ...kept, leaf: hashOf('other'), recorded: hashOf('other') } : kept,
    );
    expect(first(rewritten)).toMatchObject({ code: 'LOG_REWRITTEN', logIndex: 300 });
    expect(check(rewritten, [checkpointOf(300), checkpointOf(700, rewritten)]).faults).toEqual([]);
    expect(first(rewritten, [checkpointOf(700), checkpointOf(700, rewritten)])).toMatchObject({ code: 'LOG_FORKED' });
  });

  it('of a log that lost events in a restore says so, and fails only against what was signed before', () => {
    const other = (index: number): ExportedEntry => ({
      ...entry(index),
      leaf: hashOf('lost'),
      recorded: hashOf('lost'),
      lost: true,
    });
    const restored = { first: 250, end: 600, lost: 1 };
    const declared = log(700)
      .with(500, other(500))
      .with(650, { ...entry(650), restored });
    const newest = checkpointOf(700, declared);
    expect(check(declared, [checkpointOf(300), newest])).toMatchObject({ faults: [], lost: [500] });
    const [fault, ...others] = check(declared, [checkpointOf(550), newest]).faults;
    expect(fault).toMatchObject({ code: 'LOG_RESTORED', message: expect.stringContaining('declares at index 650') });
    expect(others).toEqual([]);
    const elsewhere = declared.with(650, { ...entry(650), restored: { first: 600, end: 640, lost: 1 } });
    expect(first(elsewhere, [checkpointOf(550), checkpointOf(700, elsewhere)])).toMatchObject({
      code: 'LOG_REWRITTEN',
    });
    const whole = declared.with(650, { ...entry(650), restored: { ...restored, lost: 0 } });
    expect(first(whole, [checkpointOf(550), checkpointOf(700, whole)])).toMatchObject({ code: 'LOG_REWRITTEN' });
  });

  it('names the number that never arrived, once it is late, unless it is in the dead letters or was accepted', () => {
    const gap = log(700).map((kept) =>
      kept.source === 'payments' && kept.sequence > 50n ? { ...kept, sequence: kept.sequence + 2n } : kept,
    );
    expect(first(gap)).toMatchObject({ code: 'SEQUENCE_GAP', source: 'payments', sequence: '51' });
    const late = gap.map((kept) => ({ ...kept, time: 0 }));
    expect(check(late, checkpoints)).toMatchObject({ faults: [], sources: [{}, { through: '50' }] });
    const declared = gap
      .with(699, { ...entry(699), accountsFor: { source: 'payments', first: 51n, last: 51n } })
      .with(690, { ...entry(690), accountsFor: { source: 'payments', first: 52n, last: 52n } });
    expect(check(declared, checkpoints).faults).toEqual([]);
    const accepted = gap.with(699, { ...entry(699), accountsFor: { source: 'payments', first: 51n, last: 52n } });
    expect(check(accepted, checkpoints).faults).toEqual([]);
    const twice = log(700).with(7, { ...entry(7), sequence: 4n });
    expect(first(twice)).toMatchObject({ code: 'SEQUENCE_REPEATED', source: 'payments', sequence: '4' });
  });
});
