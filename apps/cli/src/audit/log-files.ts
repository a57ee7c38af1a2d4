import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { parseCheckpointText, TILE_WIDTH, tilePath } from '@countersign/merkle-log';
import { type Command } from 'commander';
import { CliError, ExitCode } from '../cli-error.js';
import { openSession, type Session } from '../session/session.js';

interface OutOption {
  readonly out?: string;
}

async function readLog(session: Session, path: string): Promise<Buffer> {
  const url = `${session.urlOf('audit')}/log/${path}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(30_000) }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(ExitCode.unreachable, 'AUDIT_UNREACHABLE', `${url}: ${reason}`);
  });
  if (!response.ok) {
    throw new CliError(ExitCode.refused, 'LOG_REFUSED', `${url} was answered with ${String(response.status)}`);
  }
  return Buffer.from(await response.arrayBuffer());
}

/** Prints a text of the log, or keeps it in a file. */
async function keep(path: string, { out }: OutOption, command: Command): Promise<void> {
  const session = openSession(command);
  const text = (await readLog(session, path)).toString();
  if (out !== undefined) writeFileSync(out, text);
  session.output.result({ ok: true, [path]: text }, out === undefined ? text.trimEnd() : `kept in ${out}`);
}

async function fetchHashes({ out }: { readonly out: string }, command: Command): Promise<void> {
  const session = openSession(command);
  const note = (await readLog(session, 'checkpoint')).toString();
  const { size } = parseCheckpointText(note.slice(0, note.lastIndexOf('\n\n') + 1));
  const file = openSync(out, 'w');
  try {
    for (let index = 0; index * TILE_WIDTH < size; index += 1) {
      const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
      writeSync(file, await readLog(session, tilePath({ level: 0, index, width })));
    }
  } finally {
    closeSync(file);
  }
  session.output.result({ ok: true, leaves: size, file: out }, `${String(size)} leaf hashes kept in ${out}`);
}

/** `countersign audit checkpoint`, `key` and `hashes`: what an offline check needs, from the log’s public side. */
export function registerLogFiles(audit: Command): void {
  audit
    .command('checkpoint')
    .summary('fetch the newest signed checkpoint: whoever keeps it is a witness')
    .option('--out <file>', 'where to keep it; printed by default')
    .action((options: OutOption, command: Command) => keep('checkpoint', options, command));
  audit
    .command('key')
    .summary('fetch the log’s verifier key; compare it with what its operator told you')
    .option('--out <file>', 'where to keep it; printed by default')
    .action((options: OutOption, command: Command) => keep('key', options, command));
  audit
    .command('hashes')
    .summary('fetch all leaf hashes (32 bytes an event), by which verify can name what was altered')
    .requiredOption('--out <file>', 'where to keep them')
    .action(fetchHashes);
}
