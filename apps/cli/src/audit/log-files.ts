import { messageOf } from '@countersign/auth-core';
import { parseCheckpointText, TILE_WIDTH, tilePath } from '@countersign/merkle-log';
import { type Command } from 'commander';
import { CliError, ExitCode } from '../cli-error.js';
import { forceOption, NewFile } from '../new-file.js';
import { textOf, unreachable } from '../no-answer.js';
import { refusalOf } from '../session/service-failures.js';
import { openSession, type Session } from '../session/session.js';

interface OutOptions {
  readonly out?: string;
  readonly force: boolean;
}

async function readLog(session: Session, path: string): Promise<Buffer> {
  const url = `${session.safeUrlOf('audit')}/log/${path}`;
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(30_000) });
    if (!response.ok) throw await refusalOf('audit', response, false);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    throw error instanceof CliError ? error : unreachable('audit', url, error);
  }
}

/** Prints a text of the log, or writes it to a file. */
async function keep(
  session: Session,
  name: string,
  { out, force }: OutOptions,
  fetchText: () => Promise<string>,
): Promise<void> {
  const file = out === undefined ? undefined : await NewFile.create(out, { force });
  const text = await fetchText();
  await file?.write(text);
  await file?.commit();
  session.output.result({ ok: true, [name]: text }, out === undefined ? text.trimEnd() : `saved to ${out}`);
}

async function fetchKey(options: OutOptions, command: Command): Promise<void> {
  const session = openSession(command);
  await keep(session, 'key', options, async () => (await readLog(session, 'key')).toString());
}

async function fetchCheckpoint(
  { now, ...options }: OutOptions & { readonly now: boolean },
  command: Command,
): Promise<void> {
  const session = openSession(command);
  const signed = { service: 'audit', scopes: ['audit:read'], method: 'POST', path: '/log/checkpoint' };
  await keep(session, 'checkpoint', options, async () =>
    now ? await textOf(await session.send(signed), 'audit') : (await readLog(session, 'checkpoint')).toString(),
  );
}

/** The log's number of leaves, according to an unverified checkpoint. @throws {CliError} `ANSWER_INVALID` */
function sizeOf(note: string): number {
  try {
    return parseCheckpointText(note.slice(0, note.lastIndexOf('\n\n') + 1)).size;
  } catch (error) {
    const reason = messageOf(error);
    throw new CliError(ExitCode.refused, 'ANSWER_INVALID', `audit did not send a valid checkpoint: ${reason}`);
  }
}

async function fetchHashes({ out, force }: OutOptions & { readonly out: string }, command: Command): Promise<void> {
  const session = openSession(command);
  const file = await NewFile.create(out, { force });
  const note = (await readLog(session, 'checkpoint')).toString();
  const size = sizeOf(note);
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    await file.write(await readLog(session, tilePath({ level: 0, index, width })));
  }
  await file.commit();
  session.output.result({ ok: true, leaves: size, file: out }, `${String(size)} leaf hashes saved to ${out}`);
}

/** `countersign audit checkpoint`, `key` and `hashes`: what an offline check needs, from the log’s public side. */
export function registerLogFiles(audit: Command): void {
  audit
    .command('checkpoint')
    .summary('fetch the newest signed checkpoint; keep it as a witness')
    .description(
      'Fetches the newest signed checkpoint. Keep one from time to time, where the log’s operator cannot reach it: verify compares later exports with it.',
    )
    .option('--out <file>', 'file to save it to; printed by default')
    .addOption(forceOption())
    .option('--now', 'first sign a checkpoint that covers the latest events (needs audit:read)', false)
    .addHelpText(
      'after',
      `
Examples:
  countersign audit checkpoint --out friday.txt
  countersign audit export --since monday.txt --checkpoint friday.txt --output week.ndjson`,
    )
    .action(fetchCheckpoint);
  audit
    .command('key')
    .summary('fetch the log’s verifier keys; compare them with those its operator published')
    .description(
      'Fetches the keys that verify the log’s checkpoints, one per line, newest first. Compare them with those that the log’s operator ' +
        'published elsewhere, and give the file to verify.',
    )
    .option('--out <file>', 'file to save them to; printed by default')
    .addOption(forceOption())
    .addHelpText(
      'after',
      `
Examples:
  countersign audit key --out log.key`,
    )
    .action(fetchKey);
  audit
    .command('hashes')
    .summary('fetch all leaf hashes (32 bytes per event), so that verify can name what was altered')
    .description(
      'Fetches the hash of every event, which is public. With them verify always names the event that was altered, even in an export ' +
        'whose own hashes were altered with it.',
    )
    .requiredOption('--out <file>', 'file to save them to')
    .addOption(forceOption())
    .addHelpText(
      'after',
      `
Examples:
  countersign audit hashes --out log.hashes`,
    )
    .action(fetchHashes);
}
