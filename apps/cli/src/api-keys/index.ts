import { type Command } from 'commander';
import { limitOption } from '../pages.js';
import {
  createApiKey,
  disableApiKey,
  enableApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
  showApiKey,
} from './api-keys.js';
import { showUsage } from './usage.js';

const collect = (value: string, values: readonly string[]): readonly string[] => [...values, value];

/** `countersign api-keys`: long-lived keys of applications. */
export function register(program: Command): void {
  const group = program
    .command('api-keys')
    .summary('manage API keys of applications: create, list, rotate, disable, revoke, usage')
    .description(
      'Keys with which a registered application calls a service that accepts them (needs the scope issuer:admin; the local stack’s operator ' +
        'has it). A key is shown once, when it is created; it belongs to a client, can do no more than its policy, and expires.',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign api-keys create storefront "web shop" --audience payments=payments:read
  countersign api-keys create storefront batch --audience payments=payments:read --network 192.0.2.0/24 --plan small --key-out batch.key
  countersign api-keys rotate ID --grace 7d         (both work for a week)
  countersign api-keys usage ID --since 2d
  countersign api-keys revoke ID --reason "found in a repository"`,
    );
  group
    .command('create <client> <name>')
    .description('create a key for a client; it is shown only once')
    .option('--audience <name=scopes>', 'scopes at a service, such as payments=payments:read; repeatable', collect, [])
    .option('--network <cidr>', 'only usable from this network; repeatable', collect, [])
    .option('--plan <name>', "plan that limits its use, as declared in the issuer's PLANS_FILE")
    .option('--expires-in <time>', 'such as 30d or 12h (default: set at the issuer)')
    .option('--key-out <file>', 'new file for the key, readable only by you, instead of the screen')
    .action(createApiKey);
  group
    .command('list')
    .description('list keys, newest first')
    .option('--client <client>', 'only keys of this client')
    .addOption(limitOption())
    .action(listApiKeys);
  group.command('show <id>').description('show one key, without its secret').action(showApiKey);
  group
    .command('rotate <id>')
    .description('create a replacement with the same rights; the current key keeps working for the grace period')
    .option('--grace <time>', 'how long the current key keeps working, such as 7d, 12h or 0s', '1d')
    .option('--key-out <file>', 'new file for the key, readable only by you, instead of the screen')
    .action(rotateApiKey);
  const reason = ['--reason <text>', 'why, for the audit trail'] as const;
  group
    .command('disable <id>')
    .description('refuse the key everywhere until it is enabled again')
    .option(...reason)
    .action(disableApiKey);
  group
    .command('enable <id>')
    .description('accept a disabled key again')
    .option(...reason)
    .action(enableApiKey);
  group
    .command('revoke <id>')
    .description('refuse the key everywhere, permanently')
    .option(...reason)
    .action(revokeApiKey);
  group
    .command('usage <id>')
    .description('how often a key was used, by hour or day')
    .option('--since <time>', 'how far back, such as 24h or 30d; at most 62 days', '24h')
    .action(showUsage);
}
