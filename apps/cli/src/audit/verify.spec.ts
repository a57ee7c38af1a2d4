import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createNoteSigner, leafOf, rootOf, signCheckpoint } from '@countersign/merkle-log';
import { createProgram } from '../program.js';

const signer = createNoteSigner('audit.test/log', generateKeyPairSync('ed25519').privateKey);
const eventOf = (index: number) => ({
  id: `event-${String(index)}`,
  source: 'payments',
  sequence: String(index + 1),
  type: 'countersign.payments.payment.settled.v1',
  time: new Date(1_800_000_000_000 + index * 1_000).toISOString(),
  data: { outcome: 'allowed' },
});
const events = Array.from({ length: 400 }, (_, index) => eventOf(index));
const leaves = events.map((event) => leafOf(event).hash);
const lineOf = (event: (typeof events)[number], index: number) =>
  JSON.stringify({
    log_index: String(index),
    source: event.source,
    sequence: event.sequence,
    checkpoint: '400',
    event,
  });
const end = JSON.stringify({ end: { events: 400, complete: true, next_cursor: null, checkpoint: null } });

describe('countersign audit verify', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verify-'));
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const checkpoints = [100, 400].map((size) =>
    file(`${String(size)}.txt`, signCheckpoint(size, rootOf(leaves.slice(0, size)), signer)),
  );
  // A verifier key has plus signs, and a file's name may.
  const key = file('log+witness.key', `${signer.verifierKey}\n`);
  const hashes = file('log.hashes', Buffer.concat(leaves));
  const verify = (files: readonly string[], ...options: string[]): Promise<unknown> =>
    createProgram().parseAsync([
      'node',
      'countersign',
      'audit',
      'verify',
      ...files,
      ...checkpoints.flatMap((path) => ['--checkpoint', path]),
      '--log-key',
      key,
      ...options,
    ]);
  const written: string[] = [];

  const { stdout } = process;
  const write = stdout.write.bind(stdout);
  beforeEach(() => {
    written.length = 0;
    stdout.write = (text: string | Uint8Array) => written.push(String(text)) > 0;
  });
  afterEach(() => {
    stdout.write = write;
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('passes a complete export, in one file or several, compressed or not', async () => {
    const lines = events.map(lineOf);
    const whole = file('events.ndjson', `${[...lines, end].join('\n')}\n`);
    await verify([whole], '--json');
    expect(JSON.parse(written.join(''))).toMatchObject({ ok: true, entries: 400, faults: [], uncovered: 0 });
    const first = file('1.ndjson.gz', gzipSync(lines.slice(0, 150).join('\n')));
    const second = file('2.ndjson', lines.slice(150).join('\n'));
    await verify([first, second], '--hashes', hashes);
  });

  it('names the event that was altered, and the one that is missing', async () => {
    const denied = { ...eventOf(7), data: { outcome: 'denied' } };
    const changed = file('changed.ndjson', events.map(lineOf).with(7, lineOf(denied, 7)).join('\n'));
    await expect(verify([changed], '--hashes', hashes)).rejects.toMatchObject({
      code: 'EVENT_ALTERED',
      exitCode: 1,
      message: expect.stringContaining('index 7'),
    });
    await expect(verify([changed])).rejects.toMatchObject({ code: 'LOG_REWRITTEN' });
    const short = file('short.ndjson', events.map(lineOf).toSpliced(9, 1).join('\n'));
    await expect(verify([short])).rejects.toMatchObject({ code: 'EVENT_MISSING' });
  });

  it('trusts no checkpoint of another key, and no malformed line', async () => {
    const whole = file('events.ndjson', events.map(lineOf).join('\n'));
    const stranger = createNoteSigner('audit.test/log', generateKeyPairSync('ed25519').privateKey);
    const forged = file('forged.txt', signCheckpoint(400, rootOf(leaves), stranger));
    await expect(verify([whole], '--checkpoint', forged)).rejects.toMatchObject({ code: 'NOTE_SIGNER_UNKNOWN' });
    await expect(verify([file('odd.ndjson', 'odd\n')])).rejects.toMatchObject({ code: 'EXPORT_UNREADABLE' });
    await expect(verify([join(folder, 'absent')])).rejects.toMatchObject({ code: 'FILE_UNREADABLE', exitCode: 2 });
  });
});
