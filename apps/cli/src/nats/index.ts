import { accountLines, exportsFor, natsAccountOf, rightsTable } from '@countersign/nats-rights';
import { Argument, InvalidArgumentError, type Command } from 'commander';
import { table } from '../output.js';
import { openSession } from '../session/session.js';

/** Its account contains what no other service may access. */
const ours = ['issuer', 'audit'];

function serviceName(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(text)) throw new InvalidArgumentError('must be a service name: a-z, 0-9, -');
  if (ours.includes(text))
    throw new InvalidArgumentError(`${text} is part of Countersign: compose and the local stack create its account`);
  return text;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join('\n');
}

/** Prints what a service may do on NATS, and the part of nats-server's configuration that gives it exactly that. */
function rights(service: string, _: object, command: Command): void {
  const { output } = openSession(command);
  const rows = rightsTable(service);
  const account = natsAccountOf(service, [service]);
  const configuration = accountLines(account, service, `<bcrypt of ${service}'s password>`);
  const text = [
    table(
      ['may', 'subject', 'for what'],
      rows.map(({ verb, subject, why }) => [verb, subject, why]),
    ),
    '',
    'In nats.conf, inside accounts { … }:',
    '',
    ...configuration,
    '',
    'Add these two to the exports of AUDIT:',
    '',
    indented(exportsFor(service)),
    '',
    `Then: nats-server --signal reload. The service connects with NATS_USER=${service} and the inbox prefix _INBOX_${service}.`,
    `On a local stack one command does all of this: npm start -- --service ${service}`,
  ].join('\n');
  output.result({ ok: true, service, rights: rows, account, audit_exports: exportsFor(service) }, text);
}

/** `countersign nats`: what a service needs of NATS. */
export function register(program: Command): void {
  program
    .command('nats')
    .summary('show what a service may do on NATS')
    .description('Shows what a service needs on NATS. Works offline: the rights are the same on every installation.')
    .command('rights')
    .addArgument(
      new Argument(
        '<service>',
        "the service's name, which is also its audience and the source of its events",
      ).argParser(serviceName),
    )
    .description('print the rights of one service, and the nats-server configuration that grants them')
    .addHelpText(
      'after',
      `
Examples:
  countersign nats rights orders
  countersign nats rights orders --json`,
    )
    .action(rights);
}
