import { setTimeout as delay } from 'node:timers/promises';
import { type Command } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { openSession, type Session } from '../session/session.js';
import { understood } from '../session/understood.js';
import { readEventStream } from './event-stream.js';
import { countOf } from '../pages.js';
import { addFilters, queryOf, READING } from './filters.js';
import { eventRow, eventTitles, foundEventSchema } from './found-event.js';

/** Milliseconds between two attempts to reconnect. */
const AGAIN_AFTER_MS = 1_000;

interface TailOptions {
  readonly count?: number;
  readonly cursor?: string;
}

const widths = [8, 24, 9, 18, 45, 16, 14];

function line(cells: readonly string[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd();
}

const faultSchema = z.object({ code: z.string(), detail: z.string() });

const sealedSchema = z.object({ first_index: z.string(), last_index: z.string() });

/** What was missed, because retention moved it to segments first. */
function sealedNote(data: string): string {
  const { first_index: first, last_index: last } = understood('audit', sealedSchema, data);
  return `entries ${first} to ${last} were moved to sealed segments before they were read; read them there`;
}

function refusalOf(data: string): CliError {
  const { code, detail } = understood('audit', faultSchema, data);
  return new CliError(ExitCode.refused, code, detail);
}

/** One connection; ends when the service ends it. @returns the id of the last event that was shown */
async function follow(
  session: Session,
  query: URLSearchParams,
  lastId: string | undefined,
  show: (data: string) => boolean,
): Promise<{ readonly lastId: string | undefined; readonly done: boolean }> {
  const response = await session.send({
    service: 'audit',
    scopes: [],
    anyOf: READING,
    path: `/events/tail?${query.toString()}`,
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
    timeoutMs: null,
  });
  if (response.body === null) return { lastId, done: false };
  let last = lastId;
  try {
    for await (const { id, event, data } of readEventStream(response.body)) {
      if (event === 'error') throw refusalOf(data);
      last = id ?? last;
      if (event === 'sealed') session.output.note(sealedNote(data));
      if (event !== 'event') continue;
      if (show(data)) return { lastId: last, done: true };
    }
  } catch (error) {
    // The connection was lost; the next one continues after the last event.
    if (!(error instanceof TypeError)) throw error;
  }
  return { lastId: last, done: false };
}

async function run({ count = Infinity, cursor }: TailOptions, command: Command): Promise<void> {
  const session = openSession(command);
  const query = queryOf(command, session.output);
  let shown = 0;
  const show = (data: string): boolean => {
    const found = understood('audit', foundEventSchema, data);
    session.output.result(found, line(eventRow(found)));
    shown += 1;
    return shown >= count;
  };
  session.output.note(line(eventTitles));
  let lastId = cursor;
  for (let connected = false; ;) {
    try {
      const end = await follow(session, query, lastId, show);
      if (end.done) return;
      lastId = end.lastId;
      connected = true;
    } catch (error) {
      const away = error instanceof CliError && error.exitCode === ExitCode.unreachable;
      if (!away || !connected) throw error;
    }
    await delay(AGAIN_AFTER_MS);
  }
}

/** `countersign audit tail`: events as they arrive. */
export function register(audit: Command): void {
  addFilters(audit.command('tail'), { timed: false })
    .summary('show events as they arrive')
    .description(
      'Shows events as they arrive, until Ctrl-C; reconnects without a gap when the connection or the token ends.\nWith --json, prints one line of JSON per event.',
    )
    .option('--count <count>', 'stop after this many events', countOf(1_000_000))
    .option('--cursor <index>', 'start after this log index')
    .addHelpText(
      'after',
      `
Examples:
  countersign audit tail --outcome denied
  countersign audit tail --source payments --json | jq .event.data.action`,
    )
    .action(run);
}
