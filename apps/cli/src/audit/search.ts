import { type Command } from 'commander';
import { z } from 'zod';
import { table } from '../output.js';
import { openSession } from '../session/session.js';
import { countOf, LIST_LIMIT, readPages } from '../pages.js';
import { addFilters, queryOf, READING } from './filters.js';
import { eventRow, eventTitles, foundEventSchema, type FoundEvent } from './found-event.js';

const pageSchema = z.object({ events: z.array(foundEventSchema), next_cursor: z.string().nullable() });

interface SearchOptions {
  readonly limit: number;
  readonly cursor?: string;
}

async function run({ limit, cursor }: SearchOptions, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const query = queryOf(command, output);
  const { items: events, next } = await readPages<FoundEvent>(
    limit,
    async (page) => {
      for (const [name, value] of Object.entries(page)) query.set(name, value);
      const answer = await session.call(pageSchema, {
        service: 'audit',
        scopes: [],
        anyOf: READING,
        path: `/events?${query.toString()}`,
      });
      return { items: answer.events, next: answer.next_cursor };
    },
    cursor,
  );
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
    .option('--limit <count>', 'maximum number of events', countOf(LIST_LIMIT), 50)
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
