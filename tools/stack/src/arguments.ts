// Imports no other file: `npm start -- --help` runs this file directly, so that help needs no build.
import { Command, InvalidArgumentError, Option } from 'commander';

/** With one of the services left out there is no sample payment. */
const NO_SAMPLE = 'without';

function portBase(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1_024 || port > 65_524)
    throw new InvalidArgumentError('a port from 1024 to 65524');
  return port;
}

/** Names of the user's own services, beside those of the stack. */
function ownService(services: readonly string[]) {
  return (name: string, before: readonly string[]): readonly string[] => {
    if (!/^[a-z][a-z0-9-]{0,30}$/.test(name))
      throw new InvalidArgumentError('must be lower-case letters, digits and -');
    if (services.includes(name)) throw new InvalidArgumentError(`${name} is a service of the stack`);
    return [...before, name];
  };
}

/**
 * The command line of `npm start`.
 * @param services names of the services
 * @param directory where data, keys and logs are kept by default
 */
export function createProgram(services: readonly string[], directory: string): Command {
  return new Command('npm start --')
    .description(
      'Runs Countersign on this machine: PostgreSQL, NATS, issuer, payments, accounts, audit; makes one payment and shows its trail.',
    )
    .addOption(
      new Option('--exit', 'end after the sample payment; exit code 0 only if it settled and its audit events arrived')
        .default(false)
        .conflicts(NO_SAMPLE),
    )
    .addOption(
      new Option('--json', 'print one JSON summary of the payment as the last line (logs go to standard error)')
        .default(false)
        .conflicts(NO_SAMPLE),
    )
    .option('--reset', 'start with empty data and new keys', false)
    .addOption(
      new Option('--without <services...>', 'leave out services, to run them with `npx nx serve`')
        .choices(services)
        .default([]),
    )
    .addOption(
      new Option(
        '--service <names...>',
        'prepare database, NATS account, client and variables for services of your own, which you start yourself',
      )
        .argParser(ownService(services))
        .default([]),
    )
    .option('--no-demo', 'leave out the development OpenID provider and the demo application')
    .option('--directory <path>', 'where data, keys and logs are kept', directory)
    .option(
      '--port-base <port>',
      "the issuer's port; payments, accounts and audit follow, the demo is 10 above",
      portBase,
      4_000,
    )
    .addHelpText(
      'after',
      `
Examples:
  npm start                          stays up until Ctrl-C
  npm start -- --exit --json         one payment, one line of JSON, an exit code
  npm start -- --without payments    then, in another terminal: npx nx serve payments
  npm start -- --service my-orders   its variables are then in .countersign/env/my-orders.env`,
    );
}
