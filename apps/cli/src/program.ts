import { Command, Help, type Option } from 'commander';
import * as apiKeys from './api-keys/index.js';
import * as clients from './clients/index.js';
import * as doctor from './doctor/index.js';
import * as login from './login/index.js';
import * as keys from './keys/index.js';
import * as revoke from './revoke/index.js';
import { addCommonOptions } from './session/session-options.js';
import * as audit from './audit/index.js';
import * as ledger from './ledger/index.js';
import * as nats from './nats/index.js';
import * as payments from './payments/index.js';
import * as people from './people/index.js';
import * as token from './token/index.js';
import * as whoami from './whoami/index.js';

/** One folder per command group, each with one `register`. */
const groups: readonly { register(program: Command): void }[] = [
  token,
  login,
  whoami,
  revoke,
  clients,
  apiKeys,
  keys,
  ledger,
  people,
  nats,
  payments,
  audit,
  doctor,
];

/** An option's text, without a meaningless default: an absent flag, an empty list. */
const optionText = (option: Option): string =>
  new Help()
    .optionDescription(option)
    .replace(/default: (?:false|\[\])(?:, )?/, '')
    .replace(/ \(\)$/, '');

/** The whole command line. */
export function createProgram(): Command {
  const program = addCommonOptions(new Command('countersign'))
    .description(
      'The Countersign command line: tokens, revocation, clients, keys, the audit trail.\n' +
        'With a local stack running (npm start) no options are needed: its identities are used.',
    )
    .version('0.1.0')
    .configureHelp({ showGlobalOptions: true, optionDescription: optionText })
    .showHelpAfterError('(countersign COMMAND --help shows examples)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes:
  0  done
  1  a service refused, or a check found a problem
  2  the command line, a file or the configuration is invalid
  3  a service did not answer; the same command may work later
  130  ended by Ctrl-C

Examples:
  countersign token --audience payments
  countersign whoami --json`,
    );
  for (const group of groups) group.register(program);
  const inherit = (command: Command): void => {
    for (const child of command.commands) {
      child.copyInheritedSettings(command);
      inherit(child);
    }
  };
  inherit(program);
  return program;
}
