import { type Command } from 'commander';
import { z } from 'zod';
import { table } from '../output.js';
import { openSession } from '../session/session.js';
import { addFilters, countOf, queryOf, READING } from './filters.js';
import { eventRow, eventTitles, foundEventSchema, type FoundEvent } from './found-event.js';

/** Maximum events that one call shows; `audit export` has no such limit. */
const SEARCH_LIMIT = 10_000;
const PAGE = 200;

const pageSchema = z.object({ events: z.array(foundEventSchema), next_cursor: z.string().nullable() });

interface SearchOptions {
  readonly limit: number;
  readonly cursor?: string;
}

async function run({ limit, cursor }: SearchOptions, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const query = queryOf(command, output);
  const events: FoundEvent[] = [];
  let next: string | null = cursor ?? null;
  do {
    query.set('limit', String(Math.min(PAGE, limit - events.length)));
    if (next !== null) query.set('cursor', next);
    const page: z.infer<typeof pageSchema> = await session.call(pageSchema, {
      service: 'audit',
      scopes: [],
      anyOf: READING,
      path: `/events?${query.toString()}`,
    });
    events.push(...page.events);
    next = page.next_cursor;
  } while (next !== null && events.length < limit);
  output.result(
    { ok: true, events, next_cursor: next },
    table(eventTitles, events.map(eventRow), 'no matching events'),
  );
  if (next !== null) output.note(`more events: --cursor ${next}, or a higher --limit`);
}

/** `countersign audit search`: who did what, newest first. */
export function register(audit: Command): void {
  addFilters(audit.command('search'), { timed: true })
    .summary('find events, newest first')
    .description('Finds events, newest first. All filters must match.')
    .option('--limit <count>', 'maximum number of events', countOf(SEARCH_LIMIT), 50)
    .option('--cursor <cursor>', 'continue where an earlier search ended')
    .addHelpText(
      'after',
      `
Examples:
  countersign audit search --action transfers:create --from -2h
  countersign audit search --outcome denied --subject storefront --json`,
    )
    .action(run);
}
