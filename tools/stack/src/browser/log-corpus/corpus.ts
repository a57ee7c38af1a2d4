import { generateKeyPairSync } from 'node:crypto';
import {
  consistencySpans,
  coverOf,
  createNoteSigner,
  encodeEntryBundle,
  formatTlogProof,
  inclusionSpans,
  leafOf,
  rootOf,
  signCheckpoint,
  spanOf,
  type Span,
} from '@countersign/merkle-log';
import fc from 'fast-check';
import { type Case, type ExportCase, type SkippedCase } from './outcome.js';

const SIZE = 600;
const events = Array.from({ length: SIZE }, (_, at) => ({ id: at, text: `event ${String(at)} ü \u202e` }));
const leaves = events.map((event) => leafOf(event).hash);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const rootOfSpan = ({ first, end }: Span): string => base64(rootOf(leaves.slice(first, end)));
const root = (size: number): string => rootOfSpan({ first: 0, end: size });
const cover = (first: number, end: number): string[] => coverOf({ first, end }).map((one) => rootOfSpan(spanOf(one)));

const anySize = fc.integer({ min: 1, max: SIZE });
const anyHash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(base64);
const anyBytes = fc.uint8Array({ maxLength: 90 });
/** Mostly as it should be; now and then one hash is another. */
const spoiled = (hashes: readonly string[]): fc.Arbitrary<readonly string[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(hashes) },
    fc.tuple(fc.nat(), anyHash).map(([at, hash]) => hashes.map((one, index) => (index === at % 8 ? hash : one))),
    fc.constant(hashes.slice(1)),
  );

const inclusion: fc.Arbitrary<Case> = fc
  .tuple(anySize, fc.nat())
  .map(([size, at]) => ({ size, index: at % size }))
  .chain(({ size, index }) =>
    spoiled(inclusionSpans(index, size).map(rootOfSpan)).map((hashes) => ({
      kind: 'inclusion',
      index,
      size,
      leaf: base64(leaves[index] ?? Buffer.alloc(0)),
      root: root(size),
      hashes,
    })),
  );

const consistency: fc.Arbitrary<Case> = fc
  .tuple(anySize, fc.nat())
  .map(([newer, at]) => ({ newer, older: (at % newer) + 1 }))
  .chain(({ newer, older }) =>
    spoiled(consistencySpans(older, newer).map(rootOfSpan)).map((hashes) => ({
      kind: 'consistency',
      older,
      newer,
      olderRoot: root(older),
      newerRoot: root(newer),
      hashes,
    })),
  );

const signers = ['log.test', 'log.test', 'other.test'].map((name) =>
  createNoteSigner(name, generateKeyPairSync('ed25519').privateKey),
);
const note: fc.Arbitrary<Case> = fc
  .tuple(anySize, fc.subarray(signers, { minLength: 1 }), fc.subarray(signers), fc.nat(), fc.boolean())
  .map(([size, [first = signers[0], ...others], known, at, change]) => {
    const signed = first === undefined ? '' : signCheckpoint(size, Buffer.from(root(size), 'base64'), first, ...others);
    const place = at % Math.max(1, signed.length);
    const text = change ? `${signed.slice(0, place)}A${signed.slice(place + 1)}` : signed;
    return { kind: 'note', note: text, keys: known.map(({ verifierKey }) => verifierKey) };
  });

const proof: fc.Arbitrary<Case> = fc
  .tuple(anySize, fc.option(anyBytes, { nil: undefined }), fc.nat(), fc.boolean())
  .map(([size, extra, at, change]) => {
    const text = formatTlogProof({
      index: size - 1,
      hashes: inclusionSpans(size - 1, size).map((span) => Buffer.from(rootOfSpan(span), 'base64')),
      checkpoint: 'log.test\n1\n\n',
      ...(extra === undefined ? {} : { extra: Buffer.from(extra) }),
    });
    return { kind: 'proof', text: change ? text.replace(text.charAt(at % text.length), 'x') : text };
  });

function exportOf(first: number, indices: readonly number[], filtered: boolean): ExportCase {
  const skipped = (from: number, end: number): SkippedCase => ({ from, hashes: cover(from, end) });
  const entries = indices.map((logIndex, at) => {
    const before = indices[at - 1] ?? first - 1;
    const tile = Math.floor(logIndex / 256);
    const begins = (at === 0 || Math.floor(before / 256) < tile) && (tile + 1) * 256 <= SIZE;
    return {
      logIndex,
      event: events[logIndex],
      recorded: base64(leaves[logIndex] ?? Buffer.alloc(0)),
      ...(before + 1 === logIndex ? {} : { skipped: skipped(before + 1, logIndex) }),
      ...(begins ? { tile: rootOfSpan({ first: tile * 256, end: (tile + 1) * 256 }) } : {}),
    };
  });
  return {
    kind: 'export',
    part: { first, before: cover(0, first), filtered, checkpoint: { size: SIZE, root: root(SIZE) } },
    entries,
    rest: skipped((indices.at(-1) ?? first - 1) + 1, SIZE),
    kept: [{ size: first, root: root(first) }],
  };
}

const exported: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 1, max: SIZE - 60 }), fc.integer({ min: 10, max: 60 }), fc.boolean(), fc.nat(), fc.nat())
  .map(([first, count, filtered, at, way]) => {
    const run = Array.from({ length: count }, (_, offset) => first + offset);
    const made = exportOf(first, filtered ? run.filter((index) => index % 3 !== 0) : run, filtered);
    const place = at % made.entries.length;
    const entry = made.entries[place];
    if (entry === undefined || way % 4 === 0) return made;
    if (way % 4 === 1)
      return { ...made, entries: made.entries.with(place, { ...entry, event: { ...events[0], id: -1 } }) };
    if (way % 4 === 2) return { ...made, entries: made.entries.toSpliced(place, 1) };
    return { ...made, entries: made.entries.toSpliced(place, 0, entry) };
  });

const kinds: readonly fc.Arbitrary<Case>[] = [
  fc.jsonValue().map((value): Case => ({ kind: 'leaf', value })),
  fc.string({ unit: 'binary' }).map((value): Case => ({ kind: 'leaf', value: { value } })),
  fc
    .oneof(fc.string({ unit: fc.constantFrom(...'ABab01+/=- \n') }), anyBytes.map(base64))
    .map((text): Case => ({ kind: 'base64', text })),
  fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 4 }).map((widths): Case => ({
    kind: 'tree',
    steps: widths.map((width) => base64(Buffer.concat(leaves.slice(0, width)))),
  })),
  fc.tuple(fc.array(anyBytes), anyBytes, fc.boolean()).map(([entries, tail, whole]): Case => {
    const bundle = encodeEntryBundle(entries);
    return { kind: 'bundle', bytes: base64(whole ? bundle : Buffer.concat([bundle, tail])) };
  }),
  inclusion,
  consistency,
  note,
  proof,
  exported,
];

/** Questions of every kind, right and wrong ones. @param each how many of each */
export function corpus(each: number): readonly Case[] {
  return kinds.flatMap((kind, at) => fc.sample(kind, { numRuns: each, seed: 20_20 + at }));
}
