import fc from 'fast-check';
import { type Checkpoint } from './checkpoint.js';
import { ExportCheck, type ExportedEntry, type ExportReport } from './export-check.js';
import { type ExportPart, type Skipped } from './export-part.js';
import { type Fault } from './export-faults.js';
import { coverOf, spanOf } from './span.js';
import { leafHash, rootOf } from './tree.js';

const SIZE = 700;
const hashOf = (text: string): Buffer => leafHash(Buffer.from(text));
const leaves = Array.from({ length: SIZE }, (_, index) => hashOf(String(index)));
const roots = new Map<string, Buffer>();
function rootBetween(from: number, end: number): Buffer {
  const key = `${String(from)}-${String(end)}`;
  const root = roots.get(key) ?? rootOf(leaves.slice(from, end));
  roots.set(key, root);
  return root;
}
const checkpointOf = (size: number): Checkpoint => ({ origin: 'log.test', size, root: rootBetween(0, size) });
const whole = checkpointOf(SIZE);

/** An export as the log would make it. */
interface Export {
  readonly part: ExportPart & { readonly checkpoint: Checkpoint };
  readonly entries: readonly ExportedEntry[];
  readonly rest: Skipped;
}
interface Scenario {
  readonly first: number;
  readonly indices: readonly number[];
  readonly filtered?: boolean;
  readonly passing?: readonly number[];
  readonly size?: number;
}

function exported({ first, indices, filtered = false, passing = [], size = SIZE }: Scenario): Export {
  const cover = (from: number, end: number): Buffer[] =>
    coverOf({ first: from, end }, passing).map((subtree) => {
      const span = spanOf(subtree);
      return rootBetween(span.first, span.end);
    });
  const skipped = (from: number, end: number): Skipped => ({ from, hashes: cover(from, end) });
  const entries = indices.map((logIndex, at): ExportedEntry => {
    const from = at === 0 ? first : (indices[at - 1] ?? 0) + 1;
    const tile = Math.floor(logIndex / 256);
    const begins = at === 0 || Math.floor((indices[at - 1] ?? 0) / 256) < tile;
    const leaf = leaves[logIndex] ?? Buffer.alloc(0);
    return {
      logIndex,
      leaf,
      recorded: leaf,
      source: 'payments',
      sequence: BigInt(logIndex + 1),
      time: logIndex * 1_000,
      ...(from === logIndex ? {} : { skipped: skipped(from, logIndex) }),
      ...(begins && (tile + 1) * 256 <= size ? { tile: rootBetween(tile * 256, (tile + 1) * 256) } : {}),
    };
  });
  const after = (indices.at(-1) ?? first - 1) + 1;
  const part = { first, before: cover(0, first), passing, filtered, checkpoint: checkpointOf(size) };
  return { part, entries, rest: skipped(after, size) };
}

interface CheckOptions {
  readonly checkpoints?: readonly Checkpoint[];
  readonly complete?: boolean;
  readonly hashes?: readonly Buffer[];
  readonly cut?: boolean;
}
function check(parts: readonly Export[], { checkpoints = [], complete, hashes, cut }: CheckOptions = {}): ExportReport {
  const running = new ExportCheck({
    checkpoints,
    ...(complete === undefined ? {} : { complete }),
    ...(hashes === undefined ? {} : { hashes: { size: hashes.length, at: (index) => hashes[index] } }),
  });
  for (const { part, entries, rest } of parts) {
    running.begin(part);
    for (const entry of entries) running.add(entry);
    if (cut !== true) running.end(rest);
  }
  return running.finish();
}
const first = (parts: readonly Export[], options?: CheckOptions): Fault | undefined => check(parts, options).faults[0];

const range = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, at) => from + at);

/** Any contiguous run, or any choice of events. */
const anyScenario: fc.Arbitrary<Scenario> = fc
  .tuple(
    fc.integer({ min: 0, max: SIZE - 40 }),
    fc.integer({ min: 20, max: 500 }),
    fc.boolean(),
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 20, maxLength: 60 }),
    fc.array(fc.integer({ min: 1, max: SIZE }), { maxLength: 3 }),
  )
  .map(([from, count, filtered, steps, passing]) => {
    if (!filtered) return { first: from, indices: range(from, Math.min(SIZE, from + count)), passing };
    const indices = steps.map(
      (
        (at) => (step) =>
          (at += step)
      )(from),
    );
    return { first: from, indices: indices.filter((index) => index < SIZE), filtered, passing };
  })
  .filter(({ indices }) => indices.length >= 10);
/** Places 0 to 1 of the way through it. */
const anyPlace = fc.double({ min: 0, max: 0.999, noNaN: true });
const at = (indices: readonly number[], place: number, spare = 0): number =>
  Math.floor(place * (indices.length - spare));

describe('an export with its proof', () => {
  it('proves any run and any choice of events against the checkpoint, and against those that its proof passes through', () => {
    fc.assert(
      fc.property(anyScenario, (scenario) => {
        const made = exported(scenario);
        const kept = (scenario.passing ?? []).map(checkpointOf);
        expect(check([made], { checkpoints: [...kept, whole] })).toMatchObject({
          faults: [],
          entries: scenario.indices.length,
          complete: scenario.filtered !== true,
          uncovered: 0,
        });
        const strange = { ...checkpointOf(scenario.passing?.[0] ?? SIZE), root: hashOf('another log') };
        expect(first([made], { checkpoints: [strange] })?.code).toMatch(/LOG_REWRITTEN|LOG_FORKED/);
      }),
      { numRuns: 40 },
    );
  });

  it('names the event that was altered, and of one that was altered with its leaf hash the tile; with hashes from elsewhere itself', () => {
    fc.assert(
      fc.property(anyScenario, anyPlace, (scenario, place) => {
        const made = exported(scenario);
        const where = at(scenario.indices, place);
        const altered = made.entries[where];
        if (altered === undefined) throw new Error('no such event');
        const { logIndex } = altered;
        const put = (change: Partial<ExportedEntry>): Export => ({
          ...made,
          entries: made.entries.with(where, { ...altered, ...change }),
        });
        expect(first([put({ leaf: hashOf('x') })])).toMatchObject({ code: 'EVENT_ALTERED', logIndex });
        const forged = put({ leaf: hashOf('x'), recorded: hashOf('x') });
        const fault = first([forged]);
        expect(fault?.code).toBe('LOG_REWRITTEN');
        expect(fault?.logIndex).toBeLessThanOrEqual(logIndex);
        expect(fault?.through).toBeGreaterThanOrEqual(logIndex);
        if (logIndex < 512) {
          expect([fault?.logIndex, fault?.through]).toEqual([
            logIndex - (logIndex % 256),
            logIndex - (logIndex % 256) + 255,
          ]);
        }
        expect(first([forged], { hashes: leaves })).toMatchObject({ code: 'EVENT_ALTERED', logIndex });
        expect(check([made], { hashes: leaves, checkpoints: [checkpointOf(77)] }).faults).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('names the event that was removed, wherever it was', () => {
    fc.assert(
      fc.property(anyScenario, anyPlace, (scenario, place) => {
        const made = exported(scenario);
        const where = at(scenario.indices, place);
        const removed = { ...made, entries: made.entries.toSpliced(where, 1) };
        expect(first([removed])).toMatchObject({ code: 'EVENT_MISSING', logIndex: scenario.indices[where] });
      }),
      { numRuns: 40 },
    );
  });

  it('names the first of two swapped events, and one that was moved', () => {
    fc.assert(
      fc.property(anyScenario, anyPlace, anyPlace, (scenario, one, other) => {
        const made = exported(scenario);
        const [low, high] = [at(scenario.indices, one), at(scenario.indices, other)].sort((x, y) => x - y);
        const [here, there] = [made.entries[low ?? 0], made.entries[high ?? 0]];
        if (low === undefined || high === undefined || here === undefined || there === undefined || low === high)
          return;
        const swapped = { ...made, entries: made.entries.with(low, there).with(high, here) };
        expect(first([swapped])).toMatchObject({ code: 'EVENTS_REORDERED', logIndex: here.logIndex });
        const early = { ...made, entries: made.entries.toSpliced(high, 1).toSpliced(low, 0, there) };
        expect(first([early])).toMatchObject({ code: 'EVENTS_REORDERED', logIndex: here.logIndex });
        const late = { ...made, entries: made.entries.toSpliced(high + 1, 0, here).toSpliced(low, 1) };
        expect(first([late])).toMatchObject({ code: 'EVENTS_REORDERED' });
        const exchanged = {
          ...made,
          entries: made.entries.with(low, { ...here, leaf: there.leaf }).with(high, { ...there, leaf: here.leaf }),
        };
        expect(first([exchanged])).toMatchObject({ code: 'EVENTS_REORDERED', logIndex: here.logIndex });
      }),
      { numRuns: 40 },
    );
  });

  it('names the event that was inserted, under an existing or an omitted number', () => {
    fc.assert(
      fc.property(anyScenario, anyPlace, (scenario, place) => {
        const made = exported(scenario);
        const where = at(scenario.indices, place);
        const beside = made.entries[where];
        if (beside === undefined) throw new Error('no such event');
        const forged = { ...beside, leaf: hashOf('forged'), recorded: hashOf('forged') };
        const twice = { ...made, entries: made.entries.toSpliced(where + 1, 0, forged) };
        expect(first([twice])).toMatchObject({ code: 'EVENT_INSERTED', logIndex: beside.logIndex });
        if (beside.skipped === undefined) return;
        const own = { ...forged, logIndex: beside.logIndex - 1, skipped: { from: beside.skipped.from, hashes: [] } };
        const slipped = { ...made, entries: made.entries.toSpliced(where, 0, own) };
        expect(check([slipped]).faults.map(({ code }) => code)).toContain('EVENT_INSERTED');
      }),
      { numRuns: 40 },
    );
  });

  it('names where it was truncated, with or without its end line', () => {
    fc.assert(
      fc.property(anyScenario, anyPlace, (scenario, place) => {
        const made = exported(scenario);
        const where = at(scenario.indices, place, 1);
        const short = { ...made, entries: made.entries.slice(0, where + 1) };
        const end = (scenario.indices[where] ?? 0) + 1;
        expect(first([short], { cut: true })).toMatchObject({ code: 'LOG_TRUNCATED', logIndex: end });
        expect(first([short])?.code).toBe('EVENT_MISSING');
        if (scenario.filtered !== true) expect(first([short])).toMatchObject({ logIndex: end });
      }),
      { numRuns: 40 },
    );
  });

  it('that passes one off as filtered, or ends early by itself, is found when every event between two checkpoints is asked for', () => {
    const checkpoints = [checkpointOf(100), checkpointOf(600)];
    const options = { checkpoints, complete: true };
    const passing = [100, 600];
    expect(check([exported({ first: 100, indices: range(100, 600), passing })], options).faults).toEqual([]);
    const hidden = exported({ first: 100, indices: range(100, 600).toSpliced(50, 1), filtered: true, passing });
    expect(check([hidden], { checkpoints }).faults).toEqual([]);
    expect(first([hidden], options)).toMatchObject({ code: 'EVENT_MISSING', logIndex: 150 });
    const early = exported({ first: 100, indices: range(100, 500), passing });
    expect(check([early], { checkpoints })).toMatchObject({ faults: [], end: 500 });
    expect(first([early], options)).toMatchObject({ code: 'EVENT_MISSING', logIndex: 500 });
    expect(first([exported({ first: 120, indices: range(120, 600), passing })], options)).toMatchObject({
      logIndex: 100,
    });
  });

  it('reports a checkpoint that its proof does not lead to, and why', () => {
    const made = exported({ first: 300, indices: range(300, 400), size: 600 });
    expect(first([made], { checkpoints: [checkpointOf(101)] })).toMatchObject({ code: 'CHECKPOINT_UNPROVEN' });
    expect(first([made], { checkpoints: [whole] })).toMatchObject({ code: 'LOG_TRUNCATED' });
    expect(check([made], { checkpoints: [checkpointOf(101), whole], hashes: leaves }).faults).toEqual([]);
    expect(first([made], { hashes: leaves.with(20, hashOf('x')) })).toMatchObject({ code: 'LOG_REWRITTEN' });
    expect(first([made], { hashes: leaves.slice(0, 400) })).toMatchObject({ code: 'CHECKPOINT_UNPROVEN' });
  });

  it('names the hashes of its proof when they are not whole, and events when they are of another log', () => {
    const made = exported({ first: 300, indices: range(300, 400) });
    const short = { ...made, part: { ...made.part, before: made.part.before.slice(1) } };
    expect(first([short])).toMatchObject({ code: 'PROOF_INVALID', logIndex: 0, through: 299 });
    const wrong = { ...made, rest: { ...made.rest, hashes: made.rest.hashes.with(0, hashOf('x')) } };
    expect(first([wrong])).toMatchObject({ code: 'LOG_REWRITTEN' });
  });

  it('names hashes that are not 32 bytes, without failing', () => {
    const made = exported({ first: 300, indices: range(300, 400) });
    const odd = Buffer.alloc(31, 7);
    const before = { ...made, part: { ...made.part, before: made.part.before.with(0, odd) } };
    expect(first([before])).toMatchObject({ code: 'PROOF_INVALID', logIndex: 0, through: 299 });
    const [entry, ...others] = made.entries;
    if (entry === undefined) throw new Error('no entry');
    expect(first([{ ...made, entries: [{ ...entry, tile: odd }, ...others] }])).toMatchObject({
      code: 'PROOF_INVALID',
      logIndex: 300,
    });
    const recorded = check([{ ...made, entries: [{ ...entry, recorded: odd }, ...others] }]);
    expect(recorded.faults.map(({ code }) => code)).toEqual(['EVENT_ALTERED', 'PROOF_INVALID']);
    expect(first([made], { hashes: leaves.with(20, odd) })).toMatchObject({ code: 'LOG_REWRITTEN' });
  });

  it('continues in a second part of the same log, under a later checkpoint', () => {
    const one = exported({ first: 10, indices: range(10, 400), size: 600 });
    const two = exported({ first: 400, indices: range(400, 650) });
    expect(check([one, two], { checkpoints: [checkpointOf(10), whole] })).toMatchObject({
      faults: [],
      first: 10,
      end: 650,
    });
    expect(first([two, one])).toMatchObject({ code: 'EVENTS_REORDERED', logIndex: 10 });
    expect(first([one, exported({ first: 401, indices: range(401, 600) })])).toMatchObject({
      code: 'EVENT_MISSING',
      logIndex: 400,
    });
    const other = { ...two, part: { ...two.part, before: two.part.before.with(0, hashOf('x')) } };
    expect(check([one, other]).faults.map(({ code }) => code)).toContain('LOG_FORKED');
  });
});
