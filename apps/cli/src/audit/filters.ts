import { eventFilters } from '@countersign/audit-event';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { type Output } from '../output.js';
import { noteTimes, timeOption } from '../time.js';

/** Scopes for reading the trail: all of it, or only one's own actions. */
export const READING = ['audit:read', 'audit:read:client', 'audit:read:own'] as const;

/** A filter's name in commander's options: `api_key` is `apiKey`. */
const optionOf = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

const optionsSchema = z.looseObject({ text: z.string().optional() });

/** The options of every command that filters what it shows. @param timed whether a time may be given */
export function addFilters(command: Command, { timed }: { readonly timed: boolean }): Command {
  command
    .option('--subject <id>', 'the subject of the event')
    .option('--actor <id>', 'any actor in the delegation chain')
    .option('--client <id>', 'the calling client')
    .option('--api-key <id>', 'the id of the API key that was used')
    .option('--action <name>', 'the action, such as transfers:create')
    .option('--resource <id>', 'the resource, such as payment/0199…')
    .addOption(new Option('--outcome <outcome>', 'the outcome').choices(['allowed', 'denied', 'failed']))
    .option('--source <service>', 'the service that recorded it')
    .option('--type <type>', 'the event type')
    .option('--trace <id>', 'the W3C trace id')
    .option('--txn <id>', 'the transaction id shared by everything that one request caused')
    .option('--text <words>', 'words in resource, action, subject, client, reason, route or changes');
  return timed
    ? command
        .addOption(timeOption('--from <time>', 'events at or after this time'))
        .addOption(timeOption('--to <time>', 'events before this time'))
    : command;
}

/** The filters of a command line as the audit service's query; prints how their times were understood. */
export function queryOf(command: Command, output: Pick<Output, 'note'>): URLSearchParams {
  noteTimes(command, output);
  const { text, ...options } = optionsSchema.parse(command.opts());
  const query = new URLSearchParams();
  for (const name of [...eventFilters, 'from', 'to']) {
    const value = options[optionOf(name)];
    if (typeof value === 'string') query.set(name, value);
  }
  if (text !== undefined) query.set('q', text);
  return query;
}
