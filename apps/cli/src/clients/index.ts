import { type Command } from 'commander';
import { addClient, rotateClient } from './client-credentials.js';
import { applyClients, listClients, setClient, showClient } from './registered-clients.js';

const collect = (value: string, values: readonly string[]): readonly string[] => [...values, value];

/** `countersign clients`: who may ask the issuer for tokens. */
export function register(program: Command): void {
  const group = program
    .command('clients')
    .summary('registered clients: list, add, rotate, disable, apply')
    .description(
      'The services and applications that the issuer knows (scope issuer:admin; the local stack’s operator).\n' +
        'Private keys are made here and never leave this machine; secrets are made by the issuer and shown once.',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign clients add reporting --audience accounts=accounts:read --key-out reporting-key.json
  countersign token --client-id reporting --key reporting-key.json --audience accounts --scope accounts:read
  countersign clients rotate reporting --key-out reporting-key-2.json
  countersign clients rotate reporting --remove KID            (once nobody signs with the old one)
  countersign clients apply clients.yaml --dry-run`,
    );
  group
    .command('list')
    .description('all clients, by id')
    .option('--limit <count>', 'at most so many lines, 1 to 200', '200')
    .action(listClients);
  group.command('show <client>').description('one client: its keys, its policy').action(showClient);
  group
    .command('add <client>')
    .description('register a client with a new key, or with a secret')
    .option('--audience <name=scopes>', 'what it may ask for: payments=payments:create,payments:read', collect, [])
    .option('--key-out <file>', 'where its new private key is written; it must not exist')
    .option('--secret', 'a secret instead of a key (client_secret_basic), shown once', false)
    .option('--dpop-required', 'it gets tokens that are bound to a key only (RFC 9449)', false)
    .action(addClient);
  group
    .command('rotate <client>')
    .description('give a client another key or secret; the ones before go on working until they are removed')
    .option('--key-out <file>', 'where its new private key is written; it must not exist')
    .option('--secret', 'a new secret, shown once; the newest two are live', false)
    .option('--remove <kid>', 'take a key away')
    .action(rotateClient);
  group
    .command('disable <client>')
    .description('no token any more, and those that it holds are refused everywhere')
    .action((client: string, _: object, command: Command) => setClient(client, 'disable', command));
  group
    .command('enable <client>')
    .description('tokens again')
    .action((client: string, _: object, command: Command) => setClient(client, 'enable', command));
  group
    .command('apply <file>')
    .description('bring the registry to what a file declares (JSON or YAML); what is declared no more is disabled')
    .option('--dry-run', 'only show the difference', false)
    .action(applyClients);
}
