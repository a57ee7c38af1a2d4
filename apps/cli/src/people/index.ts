import { type Command } from 'commander';
import { limitOption } from '../pages.js';
import { changePerson, endSession, listPeople, showPerson } from './people.js';

/** `countersign people`: who has signed in at the issuer. */
export function register(program: Command): void {
  const group = program
    .command('people')
    .summary('manage people who have signed in: list, show, end sessions, disable')
    .description(
      'People who have signed in at the issuer, their live sessions, and what they allowed applications ' +
        '(needs the scope issuer:admin; the local stack’s operator has it). Each command is recorded in the audit trail.',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign people list --role operator
  countersign people show person:0190a1b2-…                 (with live sessions)
  countersign people end-session person:0190a1b2-… 0190a1c3-…
  countersign people disable person:0190a1b2-…              (a compromised account: ends all access)`,
    );
  group
    .command('list')
    .description('list people, sorted by when they first signed in')
    .option('--role <role>', 'only people with this role')
    .addOption(limitOption())
    .action(listPeople);
  group
    .command('show <person>')
    .description('show one person: live sessions, and what they allowed applications')
    .action(showPerson);
  group
    .command('end-session <person> <session>')
    .description('end one session, and everything that was allowed in it; other sessions stay')
    .action(endSession);
  group
    .command('end-sessions <person>')
    .description('end all sessions of a person, and everything that they allowed; they may sign in again')
    .action(changePerson('end-sessions'));
  group
    .command('disable <person>')
    .description(
      'end all sessions and delegations of a person, refuse tokens about them everywhere, and stop them from signing in',
    )
    .action(changePerson('disable'));
  group.command('enable <person>').description('let a disabled person sign in again').action(changePerson('enable'));
}
